import { command } from '../command.ts'

/** 42: gives up queues taken with LOCK_BATCH_MQ. */
export const unlockBatchMq = command({
  code: 42,
  name: 'UNLOCK_BATCH_MQ',
})
