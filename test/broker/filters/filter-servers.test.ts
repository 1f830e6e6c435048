import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { FilterServers } from '../../../lib/broker/filters/filter-servers.ts'
import { waitFor } from '../../support/wait-for.ts'
import { FakeConnection } from '../support/fake-connection.ts'
import { tableOptions } from '../support/fixtures.ts'
import { startRecordingNameServer } from '../support/name-server.ts'
import { startTestBroker } from '../support/test-broker.ts'

test('a filter server is known until its connection ends or it says nothing for 30 s', async (t) => {
  const options = await tableOptions(t, { filterServerNums: '2' })
  const servers = new FilterServers(options)
  let changes = 0
  servers.onChange = () => {
    changes += 1
  }
  const [a, b, c] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
  deepEqual([servers.register(a, 'a:1'), servers.register(b, 'b:1'), servers.register(c, 'c:1')], [true, true, false])
  equal(changes, 2)
  options.clock.advance(25_000)
  servers.register(b, 'b:1')
  equal(changes, 2)
  options.clock.advance(15_000)
  deepEqual([servers.addresses(), changes], [['b:1'], 3])
  b.close()
  deepEqual([servers.addresses(), changes], [[], 4])
  servers.stop()
})

test('name servers are told of filter servers, and that they are gone', async (t) => {
  const nameServer = await startRecordingNameServer(t)
  const { client, connect } = await startTestBroker(t, { namesrvAddr: nameServer.address, filterServerNums: '1' })
  const told = (addresses: string[]): Promise<unknown> =>
    waitFor(`registrations with ${addresses.length} filter servers`, () => {
      return nameServer.registrations.at(-1)?.filterServers.join() === addresses.join()
    })
  for (const filterServerAddr of ['nowhere', 'a b:1', 'x'.repeat(300)]) {
    equal((await client.request({ code: 301, extFields: { filterServerAddr } })).code, 1)
  }
  const other = await connect()
  const reply = await other.call({ code: 301, extFields: { filterServerAddr: '127.0.0.1:40000' } })
  deepEqual(reply.extFields, { brokerName: 'broker-a', brokerId: '0' })
  await told(['127.0.0.1:40000'])
  other.close()
  await told([])
})
