import { command } from '../command.ts'

/** 311: topics with the unit flag: a TopicList in the body of the answer. */
export const getUnitTopicList = command({
  code: 311,
  name: 'GET_UNIT_TOPIC_LIST',
})
