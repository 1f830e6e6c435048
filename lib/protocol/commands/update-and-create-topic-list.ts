import { command } from '../command.ts'

/** 18: makes or changes several topics (5.x): a CreateTopicListRequestBody. */
export const updateAndCreateTopicList = command({
  code: 18,
  name: 'UPDATE_AND_CREATE_TOPIC_LIST',
})
