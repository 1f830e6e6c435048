import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { startOurBroker, startOurNameServer } from '../support/our-peers.ts'
import { RawClient, withRawClient } from '../support/raw-client.ts'
import { sendV2 } from '../support/raw-messages.ts'
import { createTopic } from '../support/raw-topics.ts'
import { topicIsRouted } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { bodiesOf, sendOne } from './support/one-message.ts'

const GET_ROUTE_INFO_BY_TOPIC = 105
const GET_BROKER_CLUSTER_INFO = 106
const TOPIC_NOT_EXIST = 17

/** Names of the brokers that a name server lists. */
const brokersOf = (nameServer: string): Promise<string[]> =>
  withRawClient(nameServer, async (client) => {
    const { body } = await client.call({ code: GET_BROKER_CLUSTER_INFO })
    return [...body.toString().matchAll(/"brokerName":"([^"]+)"/g)].map(([, name]) => name!).sort()
  })

/** Addresses of the brokers that have a topic, as a name server says; none when it has no route. */
const routeOf = (nameServer: string, topic: string): Promise<string[]> =>
  withRawClient(nameServer, async (client) => {
    const { code, body } = await client.request({ code: GET_ROUTE_INFO_BY_TOPIC, extFields: { topic } })
    if (code === TOPIC_NOT_EXIST) return []
    return [...body.toString().matchAll(/"?0"?:"([^"]+)"/g)].map(([, address]) => address!).sort()
  })

test('two brokers and two name servers: each knows all, and the loss of a name server disturbs no send', async () => {
  const nameServers = await Promise.all([startOurNameServer(), startOurNameServer()])
  const [first, second] = nameServers
  const namesrvAddress = `${first.address};${second.address}`
  const brokers = await Promise.all([
    startOurBroker({ namesrvAddress, brokerName: 'broker-a' }),
    startOurBroker({ namesrvAddress, brokerName: 'broker-b' }),
  ])
  try {
    for (const { address } of nameServers) deepEqual(await brokersOf(address), ['broker-a', 'broker-b'])
    for (const { address } of brokers) {
      await createTopic({ namesrvAddress: first.address, brokerAddress: address }, 'Both', 2)
    }
    const addresses = brokers.map(({ address }) => address).sort()
    for (const { address } of nameServers) {
      await waitFor('both brokers in the route', async () => (await routeOf(address, 'Both')).length === 2)
      deepEqual(await routeOf(address, 'Both'), addresses)
    }

    const clients = await Promise.all(addresses.map((address) => RawClient.connect(address)))
    const sent: number[] = []
    let stopped = false
    const senders = clients.map(async (client, index) => {
      for (let number = 0; !stopped; number++) {
        const body = Buffer.from(`${index}/${number}`)
        await client.call(sendV2({ topic: 'Both', queueId: 0, body, properties: '', bornTimestampMs: 1 }))
        sent[index] = number + 1
      }
    })
    const farEnough = (count: number) => () => clients.every((_, index) => (sent[index] ?? 0) >= count)
    await waitFor('the first sends', farEnough(50), { everyMs: 1 })
    await second.kill()
    const atTheKill = Math.max(...sent)
    await waitFor('sends after the kill', farEnough(atTheKill + 200), { everyMs: 1 })
    // A topic made now is told to the name server that is left; the answer waits for that.
    await createTopic({ namesrvAddress: first.address, brokerAddress: addresses[0]! }, 'Later', 2)
    stopped = true
    await Promise.all(senders)
    for (const client of clients) client.close()
    for (const [index, address] of addresses.entries()) {
      equal((await bodiesOf(address, 'Both', sent[index]!)).length, sent[index])
    }
    deepEqual(await brokersOf(first.address), ['broker-a', 'broker-b'])
    await Promise.all(brokers.map((broker) => broker.stop()))
    deepEqual(await brokersOf(first.address), [])
  } finally {
    await Promise.all([...brokers, ...nameServers].map((peer) => peer.kill()))
  }
})

test('a broker that is killed leaves the routes as soon as its connection breaks, and is back when it starts again', async () => {
  const nameServer = await startOurNameServer()
  let broker = await startOurBroker({ namesrvAddress: nameServer.address })
  try {
    await createTopic({ namesrvAddress: nameServer.address, brokerAddress: broker.address }, 'Gone', 2)
    deepEqual(await routeOf(nameServer.address, 'Gone'), [broker.address])
    await broker.kill()
    // Silence alone would count after 120 s.
    await waitFor('a route without the broker', async () => (await routeOf(nameServer.address, 'Gone')).length === 0, {
      timeoutMs: 2000,
    })
    deepEqual(await brokersOf(nameServer.address), [])
    const port = Number(broker.address.split(':')[1])
    broker = await startOurBroker({ namesrvAddress: nameServer.address, port })
    await sendOne(broker.address, 'Gone', 'again')
    await topicIsRouted(nameServer.address, 'Gone')
  } finally {
    await broker.kill()
    await nameServer.kill()
  }
})
