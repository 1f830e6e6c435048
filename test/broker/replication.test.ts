import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeSlave } from '../ha/support/fake-slave.ts'
import { waitFor } from '../support/wait-for.ts'
import { sendCommand } from './support/commands.ts'
import { atEnd } from './support/fixtures.ts'
import { startTestBroker } from './support/test-broker.ts'

const SYNC_MASTER = { brokerRole: 'SYNC_MASTER', slaveTimeout: '30000' }
const SUCCESS = 0
const SLAVE_NOT_AVAILABLE = 11
const FLUSH_SLAVE_TIMEOUT = 12

const setUp = async (t: TestContext, properties: Readonly<Record<string, string>>) => {
  const { broker, client } = await startTestBroker(t, { ...SYNC_MASTER, ...properties })
  const slave = await FakeSlave.connect(broker.haPort)
  atEnd(t, () => Promise.resolve(slave.end()))
  const send = (properties = '') => client.request(sendCommand('T', { properties }))
  /** Reports `physicalOffset` and waits until the master has it: then a slave is near enough. */
  const reportAndSync = async (physicalOffset: number) => {
    slave.report(physicalOffset)
    slave.report(physicalOffset)
    await waitFor('the slave to count', async () => (await send()).code !== SLAVE_NOT_AVAILABLE)
  }
  return { broker, client, slave, send, reportAndSync }
}

test('without a slave a SYNC_MASTER stores and says that there is none', async (t) => {
  const { client } = await startTestBroker(t, SYNC_MASTER)
  const answer = await client.request(sendCommand('T'))
  deepEqual([answer.code, answer.extFields.queueOffset], [SLAVE_NOT_AVAILABLE, '0'])
  match(answer.extFields.msgId ?? '', /^[0-9A-F]{32}$/)
  const next = await client.request(sendCommand('T', { properties: 'WAIT\u0001false' }))
  deepEqual([next.code, next.extFields.queueOffset], [SUCCESS, '1'])
})

for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH']) {
  test(`a SYNC_MASTER with ${flushDiskType} acknowledges what a slave has, not before it says so`, async (t) => {
    const { broker, slave, send } = await setUp(t, { flushDiskType })
    const first = await send()
    equal(first.code, SLAVE_NOT_AVAILABLE)
    slave.report(0)
    const sizeBytes = (await slave.has(1)).length
    slave.report(sizeBytes)
    let answered = false
    const answer = send().then((reply) => {
      answered = true
      return reply
    })
    const bytes = await slave.has(sizeBytes + 1)
    await turn()
    equal(answered, false)
    slave.report(bytes.length)
    deepEqual((await answer).code, SUCCESS)
    const file = readFileSync(join(broker.storeDir, 'commitlog', '0'.repeat(20)))
    ok(bytes.equals(file.subarray(0, bytes.length)))
  })
}

test('a slave that takes the bytes and says nothing makes sends wait for slaveTimeout', async (t) => {
  const { slave, send, reportAndSync } = await setUp(t, { slaveTimeout: '100' })
  await reportAndSync(0)
  const answer = await send()
  deepEqual([answer.code, typeof answer.extFields.msgId], [FLUSH_SLAVE_TIMEOUT, 'string'])
  ok((await slave.has(1)).length > 0)
})

test('a slave too far behind is not waited for', async (t) => {
  const { send, reportAndSync } = await setUp(t, { slaveTimeout: '100', haSlaveFallbehindMax: '2000' })
  await reportAndSync(0)
  let last = FLUSH_SLAVE_TIMEOUT
  for (let index = 0; index < 20 && last === FLUSH_SLAVE_TIMEOUT; index++) last = (await send()).code
  equal(last, SLAVE_NOT_AVAILABLE)
})

test('an ASYNC_MASTER gives slaves the log and waits for none', async (t) => {
  const { slave, send } = await setUp(t, { brokerRole: 'ASYNC_MASTER' })
  slave.report(0)
  for (let index = 0; index < 50; index++) equal((await send()).code, SUCCESS)
  const record = (await slave.has(1)).readInt32BE(0)
  await slave.has(50 * record)
})

test('a message sent back waits for no slave', async (t) => {
  const { client } = await startTestBroker(t, SYNC_MASTER)
  const { extFields } = await client.request(sendCommand('T'))
  const offset = String(Number.parseInt(extFields.msgId?.slice(16) ?? '', 16))
  const answer = await client.request({ code: 36, extFields: { offset, group: 'G', delayLevel: '0' } })
  deepEqual([answer.code, answer.remark], [SUCCESS, undefined])
})

test('who keeps his connection to the port for slaves does not keep the broker from stopping', async (t) => {
  const { broker } = await startTestBroker(t)
  const peer = connect({ port: broker.haPort, host: '127.0.0.1', allowHalfOpen: true })
  peer.on('error', () => undefined).resume()
  await once(peer, 'connect')
  peer.write(Buffer.alloc(8))
  const slave = await FakeSlave.connect(broker.haPort)
  await broker.stop()
  await waitFor('its end', () => peer.readableEnded)
  peer.destroy()
  await waitFor('the other end', () => slave.closed)
})
