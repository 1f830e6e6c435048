// npm run bench:polling: what held pulls cost the broker, and how soon a message wakes one.
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type OurPair, startOurPair } from '../../test/support/our-peers.ts'
import { createTopic } from '../broker/topics.ts'
import { PollConnection, pullTemplate } from './poll-connection.ts'
import { WakeTimer } from './wakes.ts'

const QUEUES = 1000
/** The unit of CPU times in /proc. */
const JIFFY_MS = 10
/** Longer than anything is measured: these pulls are only held. */
const LONG_MS = 300_000
/** How long Java's clients let a pull be held. */
const JAVA_SUSPEND_MS = 15_000
const SETTLE_MS = 1000
/** Both sides' compilers work at first, on the same cores. */
const WARM_UP_MS = 2000
const TOPIC = 'Polling'
const GROUP = 'polling'

const { values } = parseArgs({
  options: {
    pulls: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '100' },
    consumers: { type: 'string', default: '10' },
    rate: { type: 'string', default: '10000' },
    woken: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const numberOf = (name: 'pulls' | 'connections' | 'consumers' | 'rate' | 'woken' | 'seconds' | 'rounds'): number => {
  const number = Number(values[name])
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0`)
  return number
}
const pulls = numberOf('pulls')
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
  /** From the send of a message to the answer of the pull held for it, by the client's clock; medians of the rounds. */
  readonly wakeP50Us: number
  readonly wakeP99Us: number
  readonly wakeP99UsOfRounds: string
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

const withConnections = async <T>(
  pair: OurPair,
  count: number,
  use: (connections: readonly PollConnection[]) => Promise<T>,
) => {
  const connections: PollConnection[] = []
  try {
    for (let i = 0; i < count; i++) connections.push(await PollConnection.open(pair.brokerAddress))
    return await use(connections)
  } finally {
    for (const connection of connections) connection.close()
  }
}

const held = (pair: OurPair, suspendMs: number): Promise<number> =>
  withConnections(pair, numberOf('connections'), async (connections) => {
    let isOver = false
    for (let pull = 0; pull < pulls; pull++) {
      const connection = connections[pull % connections.length]!
      // Ten pulls a queue by default, each of another group.
      const group = `${GROUP}-${Math.floor(pull / QUEUES)}`
      const template = pullTemplate({ group, topic: TOPIC, queueId: pull % QUEUES, suspendMs })
      const hold = (): void => {
        connection.pull(template, 0, () => {
          if (!isOver) hold()
        })
      }
      hold()
      // Spread over the suspension, as clients that started at different times are.
      if (suspendMs < LONG_MS && pull % 100 === 99) await delay((suspendMs * 100) / pulls)
    }
    await delay(SETTLE_MS)
    const load = await loadOf(pair.pid)
    isOver = true
    return load
  })

/** Rounds of latencies, each sorted. */
const wakes = (pair: OurPair): Promise<Float64Array[]> =>
  withConnections(pair, numberOf('consumers'), async (connections) => {
    const sender = await PollConnection.open(pair.brokerAddress)
    const timer = new WakeTimer({ topic: TOPIC, queues: QUEUES, woken, rate: numberOf('rate') }, sender, connections)
    try {
      await timer.begin()
      await timer.round(WARM_UP_MS)
      const rounds: Float64Array[] = []
      for (let round = 0; round < numberOf('rounds'); round++) {
        rounds.push((await timer.round(windowMs)).sort())
      }
      return rounds
    } finally {
      timer.end()
      sender.close()
    }
  })

const percentile = (sorted: Float64Array, share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

const dataDir = await mkdtemp(join(values.data, 'apogee-polling-'))
const pair = await startOurPair({ dataDir })
try {
  await createTopic(pair, TOPIC, QUEUES)
  const idlePercent = await held(pair, LONG_MS)
  const renewingPercent = await held(pair, JAVA_SUSPEND_MS)
  const rounds = await wakes(pair)
  const rounded = (share: number): number[] => rounds.map((sorted) => percentile(sorted, share))
  const row: Row = {
    heldPulls: pulls,
    idlePercent,
    renewingPercent,
    wakeP50Us: median(rounded(0.5)),
    wakeP99Us: median(rounded(0.99)),
    wakeP99UsOfRounds: rounded(0.99).join(' '),
    wakeP999Us: median(rounded(0.999)),
    wakeMaxUs: Math.max(...rounded(1)),
    wakes: rounds.reduce((sum, { length }) => sum + length, 0),
  }
  console.table([row])
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify([row])}\n`)
} finally {
  await pair.stop()
  await rm(dataDir, { recursive: true, force: true })
}
