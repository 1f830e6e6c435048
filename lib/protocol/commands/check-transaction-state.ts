import { command, int64, optional, string } from '../command.ts'

/** 39: broker to producer, oneway: what became of a half message? The body is its record. */
export const checkTransactionState = command({
  code: 39,
  name: 'CHECK_TRANSACTION_STATE',
  request: {
    tranStateTableOffset: int64,
    commitLogOffset: int64,
    msgId: optional(string),
    transactionId: optional(string),
    offsetMsgId: optional(string),
    topic: optional(string),
  },
})
