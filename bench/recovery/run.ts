// npm run bench:recovery: how long a store takes to open after kill -9, by what was written since its recovery point.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openMessageStore } from '../../lib/store/index.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** The recovery point is written about every ten seconds. */
const POINT_WAIT_MS = 25_000

/** One row of the JSON file. */
interface Row {
  readonly storeBytes: number
  /** Behind the recovery point when the process was killed; at most, the point may be younger. */
  readonly sinceThePointBytes: number
  readonly scannedBytes: number
  readonly openSeconds: number
  readonly secondsPerScannedGib: number
  /** Anonymous memory of the process after the opening, over what it had before. */
  readonly idleAnonymousBytes: number
}

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '2' },
    'since-mib': { type: 'string', default: '0,256,1024' },
    data: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const storeBytes = Number(values.gib) * GIB
const sinceBytes = values['since-mib'].split(',').map((text) => Number(text) * MIB)
if (![storeBytes, ...sinceBytes].every((bytes) => Number.isFinite(bytes) && bytes >= 0)) {
  throw new Error('--gib takes a number, --since-mib numbers separated by commas')
}

const anonymousBytes = (): number => {
  const [, kib = '0'] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kib) * 1024
}

const wantedBytes = storeBytes + sinceBytes.reduce((sum, bytes) => sum + bytes, 0) + 3 * GIB
const { bavail, bsize } = statfsSync(values.data)
if (bavail * bsize < wantedBytes) throw new Error(`${values.data} has less than ${wantedBytes / GIB} GiB free`)

const rootDir = mkdtempSync(join(values.data, 'apogee-recovery-'))
const writer = fileURLToPath(new URL('./writer.ts', import.meta.url))

/** Fills the store to `end` and lets its point come, then writes `since` bytes more and kills the writer. */
const fillAndKill = async (end: number, since: number): Promise<number> => {
  const child = fork(writer, [rootDir], { execArgv: ['--import', 'tsx'] })
  const ended = once(child, 'exit').then(() => undefined)
  const next = async (): Promise<number> => {
    const news = await Promise.race([once(child, 'message'), ended])
    if (news === undefined) throw new Error('the writer ended')
    return news[0] as number
  }
  await next()
  child.send(end)
  const reached = await next()
  await delay(POINT_WAIT_MS)
  child.send(reached + since)
  const last = await next()
  child.kill('SIGKILL')
  await ended
  return last
}

const measure = async (end: number, since: number): Promise<Row> => {
  const last = await fillAndKill(end, since)
  const before = anonymousBytes()
  const startedMs = performance.now()
  const store = await openMessageStore({
    rootDir,
    indexEnabled: false,
    storeHost: { address: '127.0.0.1', port: 10911 },
  })
  const openSeconds = (performance.now() - startedMs) / 1000
  const { recovery } = store
  if (recovery.wasClean || recovery.endOffset < last) throw new Error(`lost: ${last} became ${recovery.endOffset}`)
  const scannedBytes = recovery.endOffset - Math.min(recovery.checkedFromOffset, recovery.dispatchedFromOffset)
  const idleAnonymousBytes = anonymousBytes() - before
  await store.close()
  return {
    storeBytes: recovery.endOffset,
    sinceThePointBytes: since,
    scannedBytes,
    openSeconds,
    secondsPerScannedGib: scannedBytes === 0 ? 0 : openSeconds / (scannedBytes / GIB),
    idleAnonymousBytes,
  }
}

try {
  const rows: Row[] = []
  console.log('store      since the point   scanned     open        s per GiB scanned   idle memory')
  let end = storeBytes
  for (const since of sinceBytes) {
    const row = await measure(end, since)
    rows.push(row)
    end = row.storeBytes
    const gib = (bytes: number): string => `${(bytes / GIB).toFixed(2)} GiB`
    console.log(
      `${gib(row.storeBytes).padEnd(11)}${gib(since).padEnd(18)}${gib(row.scannedBytes).padEnd(12)}` +
        `${`${row.openSeconds.toFixed(3)} s`.padEnd(12)}${row.secondsPerScannedGib.toFixed(2).padEnd(20)}` +
        `${(row.idleAnonymousBytes / MIB).toFixed(1)} MiB`,
    )
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  }
} finally {
  rmSync(rootDir, { recursive: true, force: true })
}
