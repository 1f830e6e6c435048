// npm run bench:timer: what a message with a delivery time of its own costs, in time and memory, and how late it comes.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { decodeRecords } from '../../lib/protocol/message-codec.ts'
import { openMessageStore, PullResult, PullStatus } from '../../lib/store/index.ts'
import { type SendOrder, type SendReport, TOPIC } from './protocol.ts'

const FAR_MS = 48 * 3_600_000
const LEAD_MS = 4000
const ROUNDS = 9

const { values } = parseArgs({
  options: {
    pending: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '10' },
    sample: { type: 'string', default: '100000' },
    data: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const pending = Number(values.pending)
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const sample = Number(values.sample)
if (![pending, rate, seconds, sample].every((number) => Number.isSafeInteger(number) && number > 0)) {
  throw new Error('--pending, --rate, --seconds and --sample take whole numbers above 0')
}

const rootDir = mkdtempSync(join(values.data, 'apogee-timer-'))

/** A broker on the store directory, in a process of its own. */
class BenchBroker {
  readonly #process: ChildProcess
  readonly #news: Record<string, number>[] = []
  readonly #startedMs = performance.now()
  /** Milliseconds from the start of the process until all pending timers were read. */
  readMs = 0
  port = 0

  private constructor() {
    this.#process = fork(fileURLToPath(new URL('./broker-process.mjs', import.meta.url)), [rootDir], {
      execArgv: ['--expose-gc'],
    })
    this.#process.on('message', (news) => {
      if (Object.hasOwn(news as object, 'read')) this.readMs = performance.now() - this.#startedMs
      else this.#news.push(news as Record<string, number>)
    })
  }

  static async start(): Promise<BenchBroker> {
    const broker = new BenchBroker()
    broker.port = (await broker.#next()).port!
    while (broker.readMs === 0) await delay(5)
    return broker
  }

  /** Microseconds of processor time so far, all threads. */
  async cpuMicros(): Promise<number> {
    this.#process.send('cpu')
    return (await this.#next()).cpuMicros!
  }

  async anonymousBytes(): Promise<number> {
    this.#process.send('memory')
    return (await this.#next()).anonymousBytes!
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit')
    this.#process.send('stop')
    await gone
  }

  async #next(): Promise<Record<string, number>> {
    while (this.#news.length === 0) {
      if (this.#process.exitCode !== null) throw new Error('the broker process ended')
      await delay(1)
    }
    return this.#news.shift()!
  }
}

const ordered = async (sender: ChildProcess, order: SendOrder): Promise<void> => {
  sender.send(order)
  const [{ failures }] = (await once(sender, 'message')) as [SendReport]
  if (failures > 0) throw new Error(`${failures} of ${order.count} messages were refused`)
}

/** Microseconds of the broker's processor time per message, and messages per second. */
interface Cost {
  readonly cpuMicros: number
  readonly perSecond: number
}

const costOf = async (broker: BenchBroker, work: () => Promise<void>, count: number): Promise<Cost> => {
  const before = await broker.cpuMicros()
  const startedMs = performance.now()
  await work()
  const perSecond = (count * 1000) / (performance.now() - startedMs)
  return { cpuMicros: ((await broker.cpuMicros()) - before) / count, perSecond }
}

const medianOf = (costs: readonly Cost[]): Cost => ({
  cpuMicros: median(costs.map(({ cpuMicros }) => cpuMicros)),
  perSecond: Math.round(median(costs.map(({ perSecond }) => perSecond))),
})

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

/** Milliseconds from its time to its store time, of every message that was delivered. */
const latenesses = async (): Promise<Float64Array> => {
  const store = await openMessageStore({
    rootDir,
    indexEnabled: false,
    storeHost: { address: '127.0.0.1', port: 10911 },
  })
  const late: number[] = []
  const result = new PullResult()
  const chunk = Buffer.alloc(1 << 20)
  const topic = store.topic(TOPIC)
  for (const { topic: name, queueId } of store.queues()) {
    if (name !== TOPIC) continue
    for (let at = 0; ; at = result.nextBeginOffset) {
      store.pull(topic, queueId, at, 1000, undefined, chunk.length, chunk, 0, result)
      if (result.status !== PullStatus.FOUND) break
      for (const { properties, storeTimestamp } of decodeRecords(chunk, 0, result.sizeBytes)) {
        const deliverMs = properties.get('TIMER_DELIVER_MS')
        if (deliverMs !== undefined) late.push(storeTimestamp - Number(deliverMs))
      }
    }
  }
  await store.close()
  return Float64Array.from(late).sort()
}

const sender = fork(fileURLToPath(new URL('./sender.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
try {
  let broker = await BenchBroker.start()
  const emptyBytes = await broker.anonymousBytes()
  const { port } = broker
  const far = { afterMs: FAR_MS, spanMs: 3_600_000 }
  const plain = { port, count: sample, rate: 0, due: undefined }
  await ordered(sender, plain)
  await ordered(sender, { ...plain, due: far })
  const costs: { plain: Cost[]; timer: Cost[] } = { plain: [], timer: [] }
  for (let round = 0; round < ROUNDS; round++) {
    costs.plain.push(await costOf(broker, () => ordered(sender, plain), sample))
    costs.timer.push(await costOf(broker, () => ordered(sender, { ...plain, due: far }), sample))
  }
  const rest = Math.max(1, pending - (ROUNDS + 1) * sample)
  await ordered(sender, { ...plain, count: rest, due: far })

  const count = rate * seconds
  const started = Date.now()
  // Scheduled while some are being delivered: the sender keeps ahead of the times by the lead.
  await ordered(sender, { port, count, rate, due: { afterMs: LEAD_MS, spanMs: seconds * 1000 } })
  await delay(Math.max(0, started + LEAD_MS + seconds * 1000 - Date.now()) + 2000)
  await broker.stop()
  const late = await latenesses()
  const at = (share: number): number => late[Math.min(late.length - 1, Math.floor(late.length * share))]!

  broker = await BenchBroker.start()
  const { readMs } = broker
  const pendingCount = (ROUNDS + 1) * sample + rest
  const bytesPerTimer = ((await broker.anonymousBytes()) - emptyBytes) / pendingCount
  await broker.stop()

  const row = {
    pending: pendingCount,
    plain: medianOf(costs.plain),
    timer: medianOf(costs.timer),
    // Each against the plain ones right before it: the machine's speed changes.
    cpuRatio: median(costs.timer.map(({ cpuMicros }, round) => cpuMicros / costs.plain[round]!.cpuMicros)),
    timeRatio: median(costs.timer.map(({ perSecond }, round) => costs.plain[round]!.perSecond / perSecond)),
    bytesPerTimer,
    firings: late.length,
    expectedFirings: count,
    early: late.filter((ms) => ms < 0).length,
    lateMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
    startSecondsUntilRead: readMs / 1000,
  }
  console.log(JSON.stringify(row, undefined, 2))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(row, undefined, 2)}\n`)
} finally {
  sender.kill()
  rmSync(rootDir, { recursive: true, force: true })
}
