import { command } from '../command.ts'

/** 329: deletes expired commit log files now. */
export const deleteExpiredCommitlog = command({
  code: 329,
  name: 'DELETE_EXPIRED_COMMITLOG',
})
