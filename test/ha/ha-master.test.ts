import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { LogFields } from '../../lib/base/logging.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import { HaMaster } from '../../lib/ha/ha-master.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { FakeLog } from './support/fake-log.ts'
import { FakeSlave } from './support/fake-slave.ts'

const SETTINGS = { heartbeatMs: 5_000, silenceMs: 20_000, frameBytes: 32_768, fallbehindMaxBytes: 1_000_000 }
const MIB = 1 << 20

const setUp = async (t: TestContext, log: FakeLog, settings: Partial<typeof SETTINGS> = {}) => {
  const clock = new ManualClock()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: LogFields, text: string) => void warnings.push(text) }
  const master = new HaMaster({ log, clock, logger, settings: { ...SETTINGS, ...settings } })
  const port = await master.listen({ host: '127.0.0.1', port: 0 })
  const slaves: FakeSlave[] = []
  t.after(async () => {
    for (const slave of slaves) slave.end()
    await master.stop()
  })
  const connect = async () => {
    const slave = await FakeSlave.connect(port)
    slaves.push(slave)
    await waitFor('the connection', () => master.slaves.length >= slaves.filter(({ closed }) => !closed).length)
    return slave
  }
  const grow = (...ends: Parameters<FakeLog['grow']>) => {
    log.grow(...ends)
    master.appended()
  }
  return { clock, master, port, warnings, connect, grow }
}

const isDropped = async (slave: FakeSlave, warnings: readonly string[], reason: RegExp): Promise<void> => {
  await waitFor('the end of the connection', () => slave.closed)
  match(warnings.at(-1) ?? '', reason)
}

test('a slave gets the bytes from where its log ends, in frames that stay within one file', async (t) => {
  const log = new FakeLog(300_000, 100_000)
  const { connect, grow } = await setUp(t, log)
  grow(250_000)
  const slave = await connect()
  slave.report(30_000)
  deepEqual(await slave.has(220_000), log.bytes.subarray(30_000, 250_000))
  grow(270_000)
  deepEqual(await slave.has(240_000), log.bytes.subarray(30_000, 270_000))
  for (const { physicalOffset, bytes } of slave.frames) {
    ok(bytes.length <= SETTINGS.frameBytes)
    equal(Math.floor(physicalOffset / 100_000), Math.floor((physicalOffset + bytes.length - 1) / 100_000))
  }
})

test('an empty slave gets everything that is still there', async (t) => {
  const log = new FakeLog(300_000, 100_000)
  log.minPhysicalOffset = 100_000
  const { connect, grow } = await setUp(t, log)
  grow(300_000)
  const slave = await connect()
  slave.report(0)
  deepEqual(await slave.has(200_000), log.bytes.subarray(100_000))
  equal(slave.frames[0]?.physicalOffset, 100_000)
})

test('nothing is sent before the slave said where it is', async (t) => {
  const { connect, grow, clock } = await setUp(t, new FakeLog(1_000))
  grow(1_000)
  const slave = await connect()
  slave.send(Buffer.alloc(7))
  clock.advance(10_000)
  await turn()
  deepEqual(slave.frames, [])
  slave.send(Buffer.alloc(1))
  await slave.has(1_000)
})

for (const flushMode of ['async', 'sync'] as const) {
  test(`under ${flushMode} flush bytes that may not be given away yet follow when they may`, async (t) => {
    const log = new FakeLog(10_000, MIB, flushMode)
    const { connect, grow } = await setUp(t, log)
    const slave = await connect()
    slave.report(0)
    grow(5_000, 2_000)
    equal((await slave.has(2_000)).length, 2_000)
    log.grow(5_000)
    equal((await slave.has(5_000)).length, 5_000)
    grow(9_000, 5_000)
    await turn()
    log.grow(9_000, 7_000)
    equal((await slave.has(7_000)).length, 7_000)
    log.grow(9_000)
    equal((await slave.has(9_000)).length, 9_000)
  })
}

test('who waits for a slave is called when one has the bytes, in order, and not before', async (t) => {
  const log = new FakeLog(10_000)
  const { connect, grow, master } = await setUp(t, log)
  const slave = await connect()
  const other = await connect()
  slave.report(0)
  other.report(0)
  grow(3_000)
  const done: number[] = []
  for (const end of [1_000, 2_000, 3_000]) master.onReplicated(end, () => done.push(end))
  await slave.has(3_000)
  await other.has(3_000)
  slave.report(1_999)
  await waitFor('the first', () => done.length === 1)
  other.report(1_500, 3_000)
  await waitFor('the others', () => done.length === 3)
  deepEqual(done, [1_000, 2_000, 3_000])
})

test('a slave counts once it said where it is, and while it is near enough', async (t) => {
  const log = new FakeLog(2 * MIB)
  const { connect, grow, master } = await setUp(t, log, { fallbehindMaxBytes: 1_000 })
  equal(master.available(0), false)
  const slave = await connect()
  equal(master.available(0), false)
  slave.report(0)
  await waitFor('its report', () => master.available(999))
  equal(master.available(1_000), false)
  grow(5_000)
  await slave.has(5_000)
  slave.report(4_500)
  await waitFor('its report', () => master.available(5_499))
  equal(master.available(5_500), false)
  slave.end()
  await waitFor('its end', () => !master.available(5_000))
})

test('a slave that claims more than it was sent is dropped and makes nothing acknowledged', async (t) => {
  const log = new FakeLog(10_000)
  const { connect, grow, master, warnings } = await setUp(t, log)
  grow(5_000, 3_000)
  const slave = await connect()
  slave.report(0)
  await slave.has(3_000)
  let called = false
  master.onReplicated(5_000, () => {
    called = true
  })
  slave.report(5_000)
  await isDropped(slave, warnings, /claims a log up to 5000, and got 3000/)
  equal(called, false)
})

test('a slave whose log is longer than ours, or nonsense, is dropped with its first report', async (t) => {
  const { connect, grow, warnings, master } = await setUp(t, new FakeLog(10_000))
  grow(5_000)
  for (const offset of [5_001, -1, 2n ** 62n, -(2n ** 63n)]) {
    const slave = await connect()
    slave.report(offset)
    await isDropped(slave, warnings, /claims a log up to -?\d+, ours ends at 5000/)
  }
  equal(master.slaves.length, 0)
})

test('a slave that lacks what was deleted here is told apart and dropped', async (t) => {
  const log = new FakeLog(10_000)
  log.minPhysicalOffset = 4_000
  const { connect, grow, warnings } = await setUp(t, log)
  grow(5_000)
  const slave = await connect()
  slave.report(3_999)
  await isDropped(slave, warnings, /from 3999 on, our log begins at 4000: it has to start empty/)
})

test('a slave too slow for the deletion of old files is dropped', async (t) => {
  const log = new FakeLog(64_000)
  const { connect, grow, warnings } = await setUp(t, log)
  const slave = await connect()
  slave.report(0)
  grow(1_000)
  await slave.has(1_000)
  log.minPhysicalOffset = 2_000
  grow(5_000)
  await isDropped(slave, warnings, /cannot be read at 1000: the log begins behind the offset/)
})

test('reports may come in any pieces, and many at once', async (t) => {
  const { connect, grow, master } = await setUp(t, new FakeLog(10_000))
  grow(4_000)
  const slave = await connect()
  slave.report(0)
  await slave.has(4_000)
  const reports = Buffer.alloc(24)
  for (const [index, offset] of [1_000, 2_000, 3_000].entries()) reports.writeBigInt64BE(BigInt(offset), index * 8)
  slave.send(reports.subarray(0, 3))
  await turn()
  slave.send(reports.subarray(3, 17))
  await waitFor('the second', () => master.slaves[0]?.acked === 2_000)
  slave.send(reports.subarray(17))
  await waitFor('the third', () => master.slaves[0]?.acked === 3_000)
})

test('both sides see that the other lives: a frame without bytes, and the end of who is silent', async (t) => {
  const { connect, grow, clock, warnings } = await setUp(t, new FakeLog(10_000))
  grow(1_000)
  const slave = await connect()
  slave.report(0)
  await slave.has(1_000)
  clock.advance(6_000)
  await waitFor('a sign of life', () => slave.frames.at(-1)?.bytes.length === 0)
  equal(slave.frames.at(-1)?.physicalOffset, 1_000)
  clock.advance(15_000)
  await isDropped(slave, warnings, /nothing came for 20000 ms/)
})

test('what is far behind is read ahead by the store before it is sent', async (t) => {
  const sizeBytes = 70 * MIB
  const log = new FakeLog(sizeBytes, 16 * MIB)
  const { connect, grow } = await setUp(t, log)
  grow(sizeBytes)
  const slave = await connect()
  slave.report(0)
  await waitFor('all bytes', () => slave.frames.reduce((sum, { bytes }) => sum + bytes.length, 0) === sizeBytes)
  ok(slave.bytes.equals(log.bytes))
  deepEqual(
    log.readAhead,
    [0, 1, 2, 3, 4, 5].map((turns) => turns * MIB),
  )
})

test('no more than a few MiB wait for a slave that does not read', async (t) => {
  const sizeBytes = 64 * MIB
  const log = new FakeLog(sizeBytes, 16 * MIB)
  let readBytes = 0
  const readLog = log.readLog.bind(log)
  log.readLog = (...args) => {
    const sizeBytes = readLog(...args)
    readBytes += sizeBytes
    return sizeBytes
  }
  const { connect, grow } = await setUp(t, log)
  const slave = await connect()
  slave.report(0)
  await turn()
  slave.pause()
  grow(sizeBytes)
  let before = -1
  await waitFor('a stop', () => {
    const still = readBytes === before && readBytes > 0
    before = readBytes
    return still
  })
  ok(readBytes < 32 * MIB, `${readBytes} bytes`)
  slave.resume()
  await waitFor('all bytes', () => slave.frames.reduce((sum, { bytes }) => sum + bytes.length, 0) === sizeBytes)
  ok(slave.bytes.equals(log.bytes))
})

test('a stop gives a slave what it has not got, and then ends its connection', async (t) => {
  const log = new FakeLog(50_000)
  const { connect, grow, master } = await setUp(t, log)
  const slave = await connect()
  slave.report(0)
  grow(1_000)
  await slave.has(1_000)
  log.grow(50_000)
  const stopped = master.stop()
  equal((await slave.has(50_000)).length, 50_000)
  await stopped
  await waitFor('the end', () => slave.closed)
})

test('at most 64 slaves are taken', async (t) => {
  const { connect, port, warnings } = await setUp(t, new FakeLog(1_000))
  for (let index = 0; index < 64; index++) await connect()
  const surplus = await FakeSlave.connect(port)
  await isDropped(surplus, warnings, /slave refused: 64 are connected/)
})

test('a port in use is named', async (t) => {
  const { port } = await setUp(t, new FakeLog(1_000))
  const parts = { log: new FakeLog(1_000), clock: new ManualClock(), logger: silentLogger, settings: SETTINGS }
  const other = new HaMaster(parts)
  await rejects(other.listen({ host: '127.0.0.1', port }), {
    code: 'NET_PORT_IN_USE',
    message: `127.0.0.1:${port} is already in use`,
  })
  await rejects(other.listen({ port: 65_536 }), { code: 'NET_LISTEN_FAILED', message: /65536 for slaves/ })
  await other.stop()
})
