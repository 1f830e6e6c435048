import { command } from '../command.ts'

/** 312: topics with the unit subscription flag: a TopicList in the body of the answer. */
export const getHasUnitSubTopicList = command({
  code: 312,
  name: 'GET_HAS_UNIT_SUB_TOPIC_LIST',
})
