import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { LogFields } from '../../lib/base/logging.ts'
import { silentLogger } from '../../lib/base/logging.ts'
import { HaMaster } from '../../lib/ha/ha-master.ts'
import { StoreError } from '../../lib/store/store-error.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { FakeLog } from './support/fake-log.ts'
import { FakeSlave } from './support/fake-slave.ts'

const MIB = 1 << 20
const SETTINGS = {
  heartbeatMs: 5_000,
  silenceMs: 20_000,
  frameBytes: 32_768,
  fallbehindMaxBytes: 1_000_000,
  nearBytes: 64 * MIB,
}

const setUp = async (t: TestContext, log: FakeLog, settings: Partial<typeof SETTINGS> = {}) => {
  const clock = new ManualClock()
  const warnings: string[] = []
  const errors: LogFields[] = []
  const logger = {
    ...silentLogger,
    warn: (_: LogFields, text: string) => void warnings.push(text),
    error: (fields: LogFields) => void errors.push(fields),
  }
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
  return { clock, master, port, warnings, errors, connect, grow }
}

const isDropped = async (slave: FakeSlave, warnings: readonly string[], reason: RegExp): Promise<void> => {
  await waitFor('the end of the connection', () => slave.closed)
  match(warnings.at(-1) ?? '', reason)
}

test('a slave gets the bytes from where its log ends, in frames that stay within one file', async (t) => {
  const log = new FakeLog(300_000, 100_000)
  log.grow(250_000)
  const { connect, grow } = await setUp(t, log)
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

test('what is told as replicated is what one slave has, and grows', async (t) => {
  const log = new FakeLog(10_000)
  const { connect, grow, master } = await setUp(t, log)
  const told: number[] = []
  master.onReplicated(() => told.push(master.replicated))
  const slave = await connect()
  const other = await connect()
  slave.report(0)
  other.report(0)
  grow(3_000)
  await slave.has(3_000)
  await other.has(3_000)
  slave.report(1_999)
  await waitFor('the first', () => master.replicated === 1_999)
  other.report(1_500, 3_000)
  await waitFor('the second', () => master.replicated === 3_000)
  slave.report(2_500, 2_500)
  await waitFor('the third', () => master.slaves.some(({ acked }) => acked === 2_500))
  deepEqual(told, [1_999, 3_000])
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
  slave.report(5_000)
  await isDropped(slave, warnings, /claims a log up to 5000, and got 3000/)
  equal(master.replicated, 0)
})

for (const flushMode of ['async', 'sync'] as const) {
  test(`under ${flushMode} flush a slave that begins beyond what any was given is dropped`, async (t) => {
    // The log was found to end at 1,000: the slave has bytes that were lost here, and others stand there by now.
    const log = new FakeLog(10_000, MIB, flushMode)
    log.grow(1_000)
    const { connect, master, warnings } = await setUp(t, log)
    log.grow(2_000, flushMode === 'sync' ? 1_500 : 2_000)
    for (const offset of [1_001, 1_500, 1_999, 2_000]) {
      const slave = await connect()
      slave.report(offset)
      await isDropped(slave, warnings, /nobody got more of ours than 1000: it has to start empty/)
    }
    equal(master.replicated, 0)
    const slave = await connect()
    slave.report(1_000)
    await slave.has(log.replicableEnd - 1_000)
    const other = await connect()
    other.report(log.replicableEnd)
    await waitFor('one that has what the first got', () => master.replicated === log.replicableEnd)
  })
}

test('nonsense is no first report', async (t) => {
  const { connect, warnings, master } = await setUp(t, new FakeLog(10_000))
  for (const offset of [-1, 2n ** 62n, -(2n ** 63n)]) {
    const slave = await connect()
    slave.report(offset)
    await isDropped(slave, warnings, /claims a log up to -?\d+, and nobody got more of ours than 0/)
  }
  equal(master.slaves.length, 0)
})

test('a log that is closed ends the connection and nothing else', async (t) => {
  const log = new FakeLog(10_000)
  const { connect, warnings } = await setUp(t, log)
  const slave = await connect()
  Object.defineProperty(log, 'minPhysicalOffset', {
    get: () => {
      throw new StoreError('STORE_CLOSED', 'the store is closed')
    },
  })
  slave.report(0)
  await isDropped(slave, warnings, /the store is closed/)
})

test('a slave that lacks what was deleted here is told apart and dropped', async (t) => {
  const log = new FakeLog(10_000)
  log.minPhysicalOffset = 4_000
  log.grow(5_000)
  const { connect, warnings } = await setUp(t, log)
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

test('both sides see that the other lives: a frame without bytes, and the end of who reports nothing', async (t) => {
  const { connect, grow, clock, warnings } = await setUp(t, new FakeLog(10_000))
  grow(1_000)
  const slave = await connect()
  slave.report(0)
  await slave.has(1_000)
  clock.advance(4_000)
  const mute = await connect()
  mute.send(Buffer.alloc(3))
  await turn()
  equal(slave.frames.length, 1)
  clock.advance(2_000)
  await waitFor('a sign of life', () => slave.frames.at(-1)?.bytes.length === 0)
  deepEqual([slave.frames.length, slave.frames.at(-1)?.physicalOffset], [2, 1_000])
  clock.advance(15_000)
  await isDropped(slave, warnings, /no report came for 20000 ms/)
  mute.send(Buffer.alloc(3))
  clock.advance(5_000)
  await isDropped(mute, warnings, /no report came for 20000 ms/)
})

test('a frame is never larger than what a Java slave can take', async (t) => {
  const log = new FakeLog(6 * MIB, 16 * MIB)
  const { connect, grow } = await setUp(t, log, { frameBytes: 8 * MIB })
  grow(6 * MIB)
  const slave = await connect()
  slave.report(0)
  await slave.has(6 * MIB)
  deepEqual(
    slave.frames.map(({ bytes }) => bytes.length),
    [4 * MIB - 12, 2 * MIB + 12],
  )
})

test('what may not be in memory is read ahead by the store: all until a slave has caught up, then what is far', async (t) => {
  const log = new FakeLog(12 * MIB, 16 * MIB)
  log.grow(3 * MIB)
  const { connect, grow } = await setUp(t, log, { nearBytes: MIB })
  const slave = await connect()
  slave.report(0)
  await slave.has(3 * MIB)
  deepEqual(log.readAhead, [0, MIB, 2 * MIB])
  grow(3 * MIB + 1_000)
  await slave.has(3 * MIB + 1_000)
  grow(4 * MIB)
  await slave.has(4 * MIB)
  equal(log.readAhead.length, 3)
  grow(12 * MIB)
  ok((await slave.has(12 * MIB)).equals(log.bytes))
  ok(log.readAhead.length > 3 && log.readAhead.slice(3).every((offset) => offset >= 4 * MIB && offset < 11 * MIB))
})

test('damage that a read ahead finds is told, and the bytes are sent as they are', async (t) => {
  const log = new FakeLog(2 * MIB, 16 * MIB)
  log.damage = [{ fromOffset: 100, toOffset: 300, reason: 'body CRC' }]
  log.grow(2 * MIB)
  const { connect, errors } = await setUp(t, log)
  const slave = await connect()
  slave.report(0)
  ok((await slave.has(2 * MIB)).equals(log.bytes))
  deepEqual(errors, [{ fromOffset: 100, toOffset: 300, reason: 'body CRC' }])
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

test('a stop gives a slave what it has not got, however much, and then ends its connection', async (t) => {
  const log = new FakeLog(16 * MIB)
  const { connect, grow, master, warnings } = await setUp(t, log)
  const slave = await connect()
  slave.report(0)
  grow(1_000)
  await slave.has(1_000)
  slave.pause()
  log.grow(16 * MIB)
  const stopped = master.stop()
  await turn()
  equal(master.slaves.length, 1)
  slave.resume()
  await stopped
  equal(master.slaves.length, 0)
  await waitFor('the end', () => slave.closed)
  ok(slave.bytes.equals(log.bytes))
  deepEqual(warnings, [])
})

for (const flushMode of ['async', 'sync'] as const) {
  test(`under ${flushMode} flush a stop waits for what may not be given away yet`, async (t) => {
    const log = new FakeLog(1_000, MIB, flushMode)
    const { connect, grow, master } = await setUp(t, log)
    const slave = await connect()
    slave.report(0)
    grow(1_000, 400)
    await slave.has(400)
    const stopped = master.stop()
    await turn()
    deepEqual([slave.closed, log.requested], [false, flushMode === 'sync' ? [1_000] : []])
    log.grow(1_000)
    await stopped
    equal((await slave.has(1_000)).length, 1_000)
  })
}

test('a stop waits a second for a slave that takes nothing, and not at all for one that said nothing', async (t) => {
  const log = new FakeLog(64 * MIB)
  const { connect, grow, master, clock } = await setUp(t, log)
  const slave = await connect()
  const mute = await connect()
  slave.report(0)
  grow(1_000)
  await slave.has(1_000)
  slave.pause()
  log.grow(64 * MIB)
  let stopped = false
  const stopping = master.stop().then(() => {
    stopped = true
  })
  await waitFor('the end of the one that said nothing', () => mute.closed)
  clock.advance(999)
  await turn()
  deepEqual([stopped, master.slaves.length], [false, 1])
  clock.advance(1)
  await stopping
  equal(master.slaves.length, 0)
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
  await rejects(other.listen({ port: 65_536 }), { code: 'NET_LISTEN_FAILED', message: /cannot listen on \*:65536/ })
  await other.stop()
})
