import { bool, command, int32, int64, optional, resourceName, string } from '../command.ts'

/** 37: commits (8), rolls back (12) or leaves open (0) a half message. */
export const endTransaction = command({
  code: 37,
  name: 'END_TRANSACTION',
  request: {
    producerGroup: resourceName,
    tranStateTableOffset: int64,
    commitLogOffset: int64,
    commitOrRollback: int32,
    fromTransactionCheck: optional(bool, false),
    msgId: string,
    transactionId: optional(string),
    topic: optional(string),
  },
})
