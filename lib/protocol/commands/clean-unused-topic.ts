import { command } from '../command.ts'

/** 316: deletes consume queues of topics that are no more. */
export const cleanUnusedTopic = command({
  code: 316,
  name: 'CLEAN_UNUSED_TOPIC',
})
