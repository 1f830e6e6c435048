import { withRawClient } from './raw-client.ts'
import { topicIsRouted } from './readiness.ts'

const UPDATE_AND_CREATE_TOPIC = 17

/** Creates or changes a topic at the broker and waits until the name server routes it. */
export const createTopic = async (
  servers: { readonly namesrvAddress: string; readonly brokerAddress: string },
  topic: string,
  queues = 8,
): Promise<void> => {
  const extFields = {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: String(queues),
    writeQueueNums: String(queues),
    perm: '6',
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: '0',
    order: 'false',
  }
  await withRawClient(servers.brokerAddress, (client) => client.call({ code: UPDATE_AND_CREATE_TOPIC, extFields }))
  await topicIsRouted(servers.namesrvAddress, topic)
}
