import { command } from '../command.ts'

/** 313: topics with the unit subscription flag and without the unit flag: a TopicList in the body of the answer. */
export const getHasUnitSubUnunitTopicList = command({
  code: 313,
  name: 'GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST',
})
