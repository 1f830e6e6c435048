import { command } from '../command.ts'

/** 41: takes queues for ordered consumption, for 60 s. */
export const lockBatchMq = command({
  code: 41,
  name: 'LOCK_BATCH_MQ',
})
