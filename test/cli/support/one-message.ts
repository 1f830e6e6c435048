import { withRawClient } from '../../support/raw-client.ts'
import { readQueue, sendV2 } from '../../support/raw-messages.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Sends one message to queue 0; throws unless the broker acknowledges it. */
export const sendOne = (brokerAddress: string, topic: string, body: string): Promise<unknown> =>
  withRawClient(brokerAddress, (client) =>
    client.call(sendV2({ topic, queueId: 0, body: Buffer.from(body), properties: '', bornTimestampMs: 1 })),
  )

/** The bodies in queue 0, once there are `count`. */
export const bodiesOf = (brokerAddress: string, topic: string, count: number): Promise<string[]> =>
  withRawClient(brokerAddress, (client) =>
    waitFor(`${count} messages in ${topic}`, async () => {
      const records = await readQueue(client, topic, 0)
      return records.length >= count && records.map(({ body }) => body.toString())
    }),
  )
