import type { TestContext } from 'node:test'
import { type Broker, startBroker } from '../../../lib/broker/broker.ts'
import { RawClient } from '../../support/raw-client.ts'
import { atEnd, testConfig, testFolder } from './fixtures.ts'

/** A whole broker in this process, with one client. */
export interface TestBroker {
  readonly broker: Broker
  readonly client: RawClient
  /** Another connection. */
  connect(): Promise<RawClient>
}

/** Starts a broker that stops with the test. */
export const startTestBroker = async (
  t: TestContext,
  properties: Readonly<Record<string, string>> = {},
  surroundings: Parameters<typeof startBroker>[1] = {},
): Promise<TestBroker> => {
  const storeDir = properties.storePathRootDir ?? (await testFolder(t))
  const broker = await startBroker(testConfig(storeDir, properties), { listenHost: '127.0.0.1', ...surroundings })
  const clients: RawClient[] = []
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(broker.address)
    clients.push(client)
    return client
  }
  const client = await connect()
  atEnd(t, async () => {
    for (const one of clients) one.close()
    await broker.stop()
  })
  return { broker, client, connect }
}
