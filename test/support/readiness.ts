import { withRawClient } from './raw-client.ts'
import { type WaitOptions, waitFor } from './wait-for.ts'

const GET_ROUTE_INFO_BY_TOPIC = 105
const GET_BROKER_CLUSTER_INFO = 106

/** Waits until the name server answers requests. */
export const nameServerAnswers = (address: string, wait: WaitOptions): Promise<true> =>
  waitFor(
    `the name server ${address}`,
    () =>
      withRawClient(address, async (client) => {
        await client.call({ code: GET_BROKER_CLUSTER_INFO })
        return true as const
      }),
    wait,
  )

/** Waits until every one of the name servers (separated by semicolons) lists the broker's address. */
export const brokerIsRegistered = async (
  namesrvAddresses: string,
  brokerAddress: string,
  wait: WaitOptions,
): Promise<void> => {
  for (const namesrvAddress of namesrvAddresses.split(';')) {
    await waitFor(
      `broker ${brokerAddress} in the list of name server ${namesrvAddress}`,
      () =>
        withRawClient(namesrvAddress, async (client) => {
          const { body } = await client.call({ code: GET_BROKER_CLUSTER_INFO })
          return body.toString('utf8').includes(`"${brokerAddress}"`)
        }),
      wait,
    )
  }
}

/** Waits until the name server has a route for the topic. */
export const topicIsRouted = (namesrvAddress: string, topic: string, wait?: WaitOptions): Promise<true> =>
  waitFor(
    `a route for topic ${topic} at ${namesrvAddress}`,
    () =>
      withRawClient(namesrvAddress, async (client) => {
        const { code } = await client.request({ code: GET_ROUTE_INFO_BY_TOPIC, extFields: { topic } })
        return code === 0 ? (true as const) : undefined
      }),
    wait,
  )
