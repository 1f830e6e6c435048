import { withRawClient } from '../../test/support/raw-client.ts'
import { topicIsRouted } from '../../test/support/readiness.ts'
import type { RunningSystem } from './systems.ts'

const UPDATE_AND_CREATE_TOPIC = 17
const READ_AND_WRITE = 6

/** Creates a topic on the broker and waits until the name server routes to it. */
export const createTopic = async (system: RunningSystem, topic: string, queues: number): Promise<void> => {
  await withRawClient(system.brokerAddress, (client) =>
    client.call({
      code: UPDATE_AND_CREATE_TOPIC,
      extFields: {
        topic,
        defaultTopic: 'TBW102',
        readQueueNums: `${queues}`,
        writeQueueNums: `${queues}`,
        perm: `${READ_AND_WRITE}`,
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: '0',
        order: 'false',
      },
    }),
  )
  await topicIsRouted(system.namesrvAddress, topic)
}
