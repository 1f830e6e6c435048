import { deepEqual, doesNotMatch, equal, match, ok, throws } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cellGroups } from '../../bench/store/cells.ts'
import { findDevice, writtenBytes } from '../../bench/store/counters.ts'
import { driverAvailability } from '../../bench/store/driver.ts'
import { allSystems, parseOptions } from '../../bench/store/options.ts'
import { htmlReport } from '../../bench/store/report.ts'
import { type Row, rowColumns, summaries } from '../../bench/store/rows.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const availability = driverAvailability()
const skip = availability.available ? false : availability.reason

const row: Row = {
  system: 'fs',
  writePath: 'writev',
  flush: 'sync',
  load: 'closed',
  senders: 16,
  bodyBytes: 1024,
  opsPerSecond: 100,
  p50Us: 1,
  p99Us: 2,
  p999Us: 3,
  maxUs: 4,
  deviceBytesPerOp: 4096,
  deviceBytesReason: null,
  cpuUsPerOp: 5,
  residentBytes: 6,
  anonymousBytes: 7,
  seconds: 1,
  round: 1,
}

suite('npm run bench:store -- --quick', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'apogee-bench-'))
  let rows: Row[] = []
  let html = ''
  let stderr = ''

  before(() => {
    const files = ['--json', join(directory, 'rows.json'), '--html', join(directory, 'report.html')]
    // Shorter than --quick by itself: what is looked at is whether everything is there.
    const times = ['--seconds', '0.1', '--long-seconds', '0.3', '--warm-up', '0.02', '--segment-mb', '8']
    const args = ['--quick', ...times, '--max-gb', '0.25', '--no-set-up', '--data', directory, ...files]
    const program = join(root, 'bench', 'store', 'run.ts')
    const done = spawnSync(process.execPath, ['--import', 'tsx', program, ...args], { cwd: root, encoding: 'utf8' })
    stderr = done.stderr
    equal(done.status, 0, stderr)
    rows = JSON.parse(readFileSync(join(directory, 'rows.json'), 'utf8')) as Row[]
    html = readFileSync(join(directory, 'report.html'), 'utf8')
  })

  after(() => rmSync(directory, { recursive: true, force: true }))

  test('measures every system in both flush modes, or says why not', () => {
    for (const system of allSystems) {
      const flushModes = rows.filter((one) => one.system === system && one.load === 'closed').map((one) => one.flush)
      if (flushModes.length > 0) deepEqual([...new Set(flushModes)], ['async', 'sync'], system)
      else match(stderr, new RegExp(`NOT MEASURED: ${system}: .+`))
    }
    // These need nothing but what npm ci installs and what the tests need anyway.
    for (const system of allSystems.filter((name) => name !== 'better-sqlite3')) {
      ok(
        rows.some((one) => one.system === system),
        `${system}\n${stderr}`,
      )
    }
  })

  test('measures the paced, the sustained and the retained load', () => {
    const systemsOf = (load: Row['load']) => [
      ...new Set(rows.filter((one) => one.load === load).map((one) => one.system)),
    ]
    deepEqual(systemsOf('paced'), ['apogee-engine', 'java-like'])
    deepEqual(systemsOf('sustained'), ['apogee-engine', 'apogee-node', 'java-like', 'device'])
    deepEqual(systemsOf('retained'), ['apogee-engine', 'apogee-node', 'java-like'])
  })

  test('fills every column of every row', () => {
    for (const one of rows) {
      const about = JSON.stringify(one)
      deepEqual(Object.keys(one).sort(), [...rowColumns].sort(), about)
      ok(one.opsPerSecond > 0 && one.cpuUsPerOp >= 0 && one.seconds > 0, about)
      ok(one.p50Us > 0 && one.p50Us <= one.p99Us && one.p99Us <= one.p999Us, about)
      // Percentiles are middles of buckets, the maximum is exact.
      ok(one.p999Us <= one.maxUs * 1.01, about)
      ok(one.residentBytes !== null && one.residentBytes > 0, about)
      ok(one.deviceBytesPerOp !== null || one.deviceBytesReason !== null, about)
    }
  })

  test('writes a report that needs no other file and no network', () => {
    doesNotMatch(html, /<(script|img|iframe|link)[^>]+(src|href)="(?!data:)/)
    doesNotMatch(html, /@import|url\((?!["']?data:)/)
    match(html, /Chart\.js v4/)
    for (const system of new Set(rows.map((one) => one.system))) ok(html.includes(`>${system}`), system)
    equal(html.match(/<\/script>/g)?.length, 2)
  })

  test('removes its stores', () => {
    deepEqual(readdirSync(directory).sort(), ['report.html', 'rows.json'])
  })
})

suite('the driver of npm run bench:store', { skip }, () => {
  const refused = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', join(root, 'bench', 'store', 'run.ts'), ...args], {
      cwd: root,
      encoding: 'utf8',
    })

  test('names the option that makes no sense', () => {
    const { status, stderr } = refused('--flush', 'sometimes')
    equal(status, 1)
    match(stderr, /--flush must be among async, sync, not "sometimes"/)
  })
})

test('the filters of bench:store choose the cells', () => {
  const options = parseOptions([
    '--systems',
    'apogee-engine,fs',
    '--flush',
    'sync',
    '--senders',
    '1,64',
    '--body',
    '4k',
  ])
  const groups = cellGroups({ ...options!, loads: ['closed'] }, ['mapped', 'staged', 'pool'])
  deepEqual(
    groups.map((cells) => cells.map((cell) => [cell.system, cell.writePath, cell.senders, cell.bodyBytes].join(' '))),
    [
      ['apogee-engine mapped 1 4096', 'apogee-engine staged 1 4096', 'fs writev 1 4096'],
      ['apogee-engine mapped 64 4096', 'apogee-engine staged 64 4096', 'fs writev 64 4096'],
    ],
  )
})

test('a path is measured in the flush modes and systems that it is for', () => {
  const paths = (flush: string) => {
    const options = parseOptions(['--systems', 'apogee-engine,apogee-node', '--flush', flush, '--senders', '1'])!
    const known = ['staged', 'staged-warm', 'pool', 'direct', 'direct-warm']
    const [cells] = cellGroups({ ...options, loads: ['closed'] }, known)
    return cells!.map((cell) => `${cell.system} ${cell.writePath}`)
  }
  const engine = ['staged', 'staged-warm', 'direct', 'direct-warm'].map((path) => `apogee-engine ${path}`)
  deepEqual(paths('sync'), [...engine, 'apogee-node staged', 'apogee-node direct'])
  const each = ['staged', 'pool', 'direct']
  deepEqual(
    paths('async'),
    ['apogee-engine', 'apogee-node'].flatMap((system) => each.map((path) => `${system} ${path}`)),
  )
})

test('without filters bench:store measures the whole matrix and every other load', () => {
  const options = parseOptions([])!
  deepEqual(options.loads, ['closed', 'paced', 'sustained', 'retained'])
  // 2 flush modes, 4 numbers of senders, 4 body sizes, and the three others.
  equal(cellGroups(options, ['mapped']).length, 35)
  deepEqual(parseOptions(['--paced', '150000'])?.loads, ['paced'])
  deepEqual(parseOptions(['--sustained', '--matrix'])?.loads, ['closed', 'sustained'])
  deepEqual(parseOptions(['--retained'])?.loads, ['retained'])
})

test('options of bench:store that make no sense are refused', () => {
  for (const wrong of [
    ['--systems', 'rocksdb'],
    ['--write-path', 'mmap'],
    ['--senders', '0'],
    ['--body', '1m'],
    ['--rounds', '1.5'],
    ['--paced', 'fast'],
    ['--segment-mb', '4096'],
    ['--staging-mb', '0'],
    ['--staging-mb', '3'],
    ['--colour', 'red'],
  ]) {
    throws(() => parseOptions(wrong), Error, wrong.join(' '))
  }
})

test('rounds are summed up as medians with their spread', () => {
  const [one, ...others] = summaries([row, { ...row, opsPerSecond: 120, round: 2 }, { ...row, opsPerSecond: 90 }])
  equal(others.length, 0)
  deepEqual([one?.row.opsPerSecond, one?.spreadPercent, one?.rounds], [100, 30, 3])
})

test('a report cannot be broken by the text in it', () => {
  const html = htmlReport([row], [{ what: '<script>', reason: '</script><b>' }], 0)
  match(html, /&lt;script&gt;/)
  equal(html.match(/<\/script>/g)?.length, 2)
})

test('the device of a directory counts bytes, or there is a reason', () => {
  const device = findDevice(root)
  if ('file' in device) ok(writtenBytes(device.file) >= 0)
  else ok(device.reason.length > 0)
})
