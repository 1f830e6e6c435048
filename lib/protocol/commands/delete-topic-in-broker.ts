import { command, resourceName } from '../command.ts'

/** 215: deletes a topic in a broker. */
export const deleteTopicInBroker = command({
  code: 215,
  name: 'DELETE_TOPIC_IN_BROKER',
  request: { topic: resourceName },
})
