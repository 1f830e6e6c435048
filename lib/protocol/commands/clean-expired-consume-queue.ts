import { command } from '../command.ts'

/** 306: deletes consume queue files that point at nothing. */
export const cleanExpiredConsumeQueue = command({
  code: 306,
  name: 'CLEAN_EXPIRED_CONSUMEQUEUE',
})
