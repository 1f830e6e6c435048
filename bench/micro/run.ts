// npm run bench:micro: what single calls cost, measured by benchmark.js. `-- --quick` gives rough figures in a few
// seconds, `-- WORD` runs the cases whose name has the word.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import benchmark, { type Suite } from 'benchmark'
import { SqlFilter } from '../../lib/filter/index.ts'
import { bodyCrc } from '../../lib/protocol/crc32.ts'
import { decodeRecord, decodeRecords } from '../../lib/protocol/message-codec.ts'
import { AppendBatch, AppendStatus, type MessageStore, openMessageStore, PullResult } from '../../lib/store/index.ts'

const BODY_BYTES = 1024
const GROUP = 32
const ADDRESS_BYTES = 4
const PULL_BYTES = 1 << 20
const WHOLE_SECONDS = 1
const QUICK_SECONDS = 0.1
const buildDirectory = fileURLToPath(new URL('../build/', import.meta.url))

const body = Buffer.alloc(BODY_BYTES, 'body')

/** Appends `count` messages of 1 KB to queue 0 in one call. */
const appender = (store: MessageStore, count: number): (() => void) => {
  const topic = store.topic('Micro')
  const batch = new AppendBatch(count)
  batch.aux.fill(0, 0, ADDRESS_BYTES)
  return () => {
    batch.clear()
    batch.body = body
    for (let row = 0; row < count; row++) {
      batch.add(topic, 0, 0, 0, 0, 0, 0, 0, ADDRESS_BYTES, 0, 0, BODY_BYTES, 0, 0, 1)
    }
    store.append(batch)
    if (batch.status(count - 1) !== AppendStatus.OK) throw new Error(`append status ${batch.status(count - 1)}`)
  }
}

/** Copies the first 32 messages of queue 0; they must have been dispatched. */
const puller = (store: MessageStore, into: Buffer): (() => PullResult) => {
  const topic = store.topic('Micro')
  const result = new PullResult()
  return () => {
    store.pull(topic, 0, 0, GROUP, undefined, PULL_BYTES, into, 0, result)
    if (result.count !== GROUP) throw new Error(`pulled ${result.count} messages, not ${GROUP}`)
    return result
  }
}

/** Properties as a Java producer leaves them, and the expression's three behind. */
const properties = Buffer.from(
  [
    'UNIQ_KEY\u00017F000001300018B4AAC2130E8C2F0000',
    'CLUSTER\u0001DefaultCluster',
    'WAIT\u0001true',
    'TAGS\u0001TagA',
    'region\u0001eu-west',
    'price\u000112.5',
    'count\u000117',
  ].join('\u0002'),
)

/** Three terms, all of which are looked at. */
const sqlFilter = (): (() => void) => {
  const filter = new SqlFilter("region = 'eu-west' AND price > 10.5 AND count BETWEEN 5 AND 20")
  return () => {
    if (!filter.matches(properties)) throw new Error('the condition does not hold')
  }
}

const dispatched = async (store: MessageStore): Promise<void> => {
  while (store.watermarks.dispatched < store.watermarks.appended) await new Promise(setImmediate)
}

const runSuite = (suite: Suite): Promise<boolean> =>
  new Promise((resolve) => {
    let failed = false
    suite
      .on('cycle', ({ target }) => {
        failed ||= target.error !== undefined
        const each = `${(1e9 / target.hz).toFixed(0)} ns`
        const margin = `+-${target.stats.rme.toFixed(1)} % of ${target.stats.sample.length} samples`
        console.log(target.error ?? `${target.name.padEnd(36)} ${each.padStart(12)}  ${margin}`)
      })
      .on('complete', () => resolve(failed))
      .run({ async: true })
  })

const addCases = async (store: MessageStore, add: (name: string, work: () => void) => void): Promise<void> => {
  const into = Buffer.allocUnsafeSlow(PULL_BYTES)
  appender(store, GROUP)()
  await dispatched(store)
  const pull = puller(store, into)
  const { sizeBytes } = pull()
  const records = Buffer.from(into.subarray(0, sizeBytes))
  // The appends last: they leave the dispatch thread with work, which would disturb the others.
  add('CRC of a body of 1 KB', () => bodyCrc(body))
  add('decode a record of 1 KB', () => decodeRecord(records))
  add('decode 32 records of 1 KB', () => decodeRecords(records))
  add('SQL92 condition of three terms', sqlFilter())
  add('pull 32 messages of 1 KB', pull)
  add('append 1 message of 1 KB', appender(store, 1))
  add('append 32 messages of 1 KB', appender(store, GROUP))
}

const main = async (args: readonly string[]): Promise<void> => {
  const words = args.filter((word) => word !== '--quick')
  const maxTime = args.includes('--quick') ? QUICK_SECONDS : WHOLE_SECONDS
  await mkdir(buildDirectory, { recursive: true })
  const directory = await mkdtemp(join(buildDirectory, 'micro-'))
  const store = await openMessageStore({ rootDir: directory, storeHost: { address: '127.0.0.1', port: 10911 } })
  try {
    const suite = new benchmark.Suite()
    await addCases(store, (name, work) => {
      if (words.every((word) => name.toLowerCase().includes(word.toLowerCase()))) suite.add(name, work, { maxTime })
    })
    if (suite.length === 0) throw new Error(`no case has the words ${words.join(' ')}`)
    if (await runSuite(suite)) process.exitCode = 1
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

await main(process.argv.slice(2))
