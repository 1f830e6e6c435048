// npm run bench:polling: what held pulls cost the broker, and how soon a message wakes one.
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type OurPair, startOurPair } from '../../test/support/our-peers.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { createTopic } from '../broker/topics.ts'
import { type Poll, PollConnection } from './poll-connection.ts'

const QUEUES = 1000
const PULL_FOUND = 0
/** The unit of CPU times in /proc. */
const JIFFY_MS = 10
/** Longer than anything is measured: these pulls are only held. */
const LONG_MS = 300_000
/** How long Java's clients let a pull be held. */
const JAVA_SUSPEND_MS = 15_000
/** Between two looks at what is to be sent: a sender that never sleeps would take a core of two. */
const TICK_MS = 1
const SETTLE_MS = 1000
const FIRST_MESSAGES_MS = 60_000
const TOPIC = 'Polling'
const GROUP = 'polling'
const BODY = Buffer.alloc(128, 'x')

const { values } = parseArgs({
  options: {
    pulls: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '100' },
    rate: { type: 'string', default: '10000' },
    woken: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    data: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const numberOf = (name: 'pulls' | 'connections' | 'rate' | 'woken' | 'seconds'): number => {
  const number = Number(values[name])
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0`)
  return number
}
const pulls = numberOf('pulls')
const rate = numberOf('rate')
const windowMs = numberOf('seconds') * 1000
/** Queues that have a held pull while messages come. */
const woken = Math.min(numberOf('woken'), QUEUES)

/** What is printed, and written with --json. */
interface Row {
  readonly heldPulls: number
  /** CPU of the broker's process while pulls are held and nothing else happens, in percent of one core. */
  readonly idlePercent: number
  /** The same while each pull expires and comes again every 15 s, as Java's clients have it. */
  readonly renewingPercent: number
  /** From the send of a message to the answer of the pull held for it, both by the client's clock. */
  readonly wakeP50Us: number
  readonly wakeP99Us: number
  readonly wakeP999Us: number
  readonly wakeMaxUs: number
  /** Answers that were timed. */
  readonly wakes: number
}

const cpuMs = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * JIFFY_MS
}

/** CPU of the process over the window, in percent of one core. */
const loadOf = async (pid: number): Promise<number> => {
  const before = cpuMs(pid)
  const startMs = performance.now()
  await delay(windowMs)
  return (100 * (cpuMs(pid) - before)) / (performance.now() - startMs)
}

const withConnections = async <T>(pair: OurPair, use: (connections: readonly PollConnection[]) => Promise<T>) => {
  const connections: PollConnection[] = []
  try {
    for (let i = 0; i < numberOf('connections'); i++) connections.push(await PollConnection.open(pair.brokerAddress))
    return await use(connections)
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Ten pulls a queue by default, each of another group. */
const pollOf = (pull: number, suspendMs: number): Poll => ({
  group: `${GROUP}-${Math.floor(pull / QUEUES)}`,
  topic: TOPIC,
  queueId: pull % QUEUES,
  queueOffset: 0,
  suspendMs,
})

const held = (pair: OurPair, suspendMs: number): Promise<number> =>
  withConnections(pair, async (connections) => {
    let isOver = false
    const hold = (pull: number): void => {
      const connection = connections[pull % connections.length]!
      connection.pull(pollOf(pull, suspendMs), () => {
        if (!isOver) hold(pull)
      })
    }
    for (let pull = 0; pull < pulls; pull++) {
      hold(pull)
      // Spread over the suspension, as clients that started at different times are.
      if (suspendMs < LONG_MS && pull % 100 === 99) await delay((suspendMs * 100) / pulls)
    }
    await delay(SETTLE_MS)
    const load = await loadOf(pair.pid)
    isOver = true
    return load
  })

/** One held pull in each of the last queues; messages at the rate, over all queues in turn. */
const wakes = (pair: OurPair): Promise<number[]> =>
  withConnections(pair, async (connections) => {
    const sender = await PollConnection.open(pair.brokerAddress)
    const sentUs = new Float64Array(QUEUES).fill(-1)
    const latenciesUs: number[] = []
    let isOver = false
    let answers = 0
    const hold = (queueId: number, queueOffset: number): void => {
      const poll = { group: GROUP, topic: TOPIC, queueId, queueOffset, suspendMs: LONG_MS }
      connections[queueId % connections.length]!.pull(poll, ({ code, nextOffset }) => {
        if (code === PULL_FOUND) {
          answers += 1
          if (sentUs[queueId] !== -1) latenciesUs.push(performance.now() * 1000 - sentUs[queueId]!)
          sentUs[queueId] = -1
        }
        if (!isOver) hold(queueId, nextOffset)
      })
    }
    for (let queueId = QUEUES - woken; queueId < QUEUES; queueId++) hold(queueId, 0)
    // The first message of a queue makes its files, which is not what is measured.
    for (let queueId = 0; queueId < QUEUES; queueId++) sender.send(TOPIC, queueId, BODY)
    await waitFor('the first message of each queue', () => answers >= woken, { timeoutMs: FIRST_MESSAGES_MS })
    await delay(SETTLE_MS)
    const startMs = performance.now()
    for (let sent = 0, nowMs = startMs; nowMs < startMs + windowMs; nowMs = performance.now()) {
      for (const due = Math.floor(((nowMs - startMs) * rate) / 1000); sent < due; sent++) {
        const queueId = sent % QUEUES
        // The one before is still on its way: only the first of them is timed.
        if (queueId >= QUEUES - woken && sentUs[queueId] === -1) sentUs[queueId] = performance.now() * 1000
        sender.send(TOPIC, queueId, BODY)
      }
      await delay(TICK_MS)
    }
    await waitFor('all answers', () => sentUs.every((time) => time === -1))
    isOver = true
    sender.close()
    return latenciesUs
  })

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)

const dataDir = await mkdtemp(join(values.data, 'apogee-polling-'))
const pair = await startOurPair({ dataDir })
try {
  await createTopic(pair, TOPIC, QUEUES)
  const idlePercent = await held(pair, LONG_MS)
  const renewingPercent = await held(pair, JAVA_SUSPEND_MS)
  const sorted = (await wakes(pair)).sort((a, b) => a - b)
  const row: Row = {
    heldPulls: pulls,
    idlePercent,
    renewingPercent,
    wakeP50Us: percentile(sorted, 0.5),
    wakeP99Us: percentile(sorted, 0.99),
    wakeP999Us: percentile(sorted, 0.999),
    wakeMaxUs: percentile(sorted, 1),
    wakes: sorted.length,
  }
  console.table([row])
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify([row])}\n`)
} finally {
  await pair.stop()
  await rm(dataDir, { recursive: true, force: true })
}
