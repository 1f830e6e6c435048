import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { openMessageStore } from '../../lib/store/index.ts'
import {
  flip,
  hashOf,
  MESSAGES,
  overwrite,
  placeOf,
  recordsOf,
  sampleOptions,
  sampleStore,
} from '../store/inspect/support/sample-store.ts'
import { runToEnd } from './support/cli-run.ts'
import { Home } from './support/home.ts'

const store = async (...args: readonly string[]) => {
  using home = new Home()
  return await runToEnd('apogeemq', ['store', ...args], home.path)
}

test('store stat, verify and dump print lines for people and JSON for programs, and change nothing', async (t) => {
  const root = await sampleStore(t)
  const before = hashOf(root)
  const stat = await store('stat', root)
  equal(stat.exitCode, 0, stat.errors)
  match(stat.out, /queue 1: offsets 0 to \d+/)
  equal(JSON.parse((await store('stat', root, '--full', '--json')).out).records, MESSAGES)

  const verify = await store('verify', root, '--progress')
  deepEqual([verify.exitCode, verify.out.includes(`${MESSAGES} records`)], [0, true])
  match(verify.out, /clean: 0 errors/)
  match(verify.errors, /queues: /)
  equal(JSON.parse((await store('verify', root, '--json')).out).isClean, true)

  const dump = await store('dump', root, '--topic', 'Sample', '--tag', 'tag-1', '--limit', '2', '--json')
  equal(dump.exitCode, 0, dump.errors)
  const messages = dump.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  deepEqual(
    messages.map(({ properties }) => properties.KEYS),
    ['key-1', 'key-9'],
  )
  const [record] = recordsOf(root)
  const one = await store('dump', root, '--offset', String(record!.physicalOffset), '--body', 'none')
  match(one.out, /^0 \S+ Other:0 offset 0 \[tag-0\] \(key-0\) 800 B\n$/)
  equal((await store('dump', root, '--from', '2999-01-01T00:00:00Z')).out, '')
  equal(hashOf(root), before)
})

test('verify ends with 1 when there is damage and names its place', async (t) => {
  const root = await sampleStore(t)
  const { path, position } = placeOf(root, recordsOf(root)[50]!.physicalOffset)
  flip(path, position + 100)
  const { exitCode, out } = await store('verify', root)
  equal(exitCode, 1)
  match(out, new RegExp(`^error LOG_DAMAGED commitlog/\\d{20}:${position}: the body does not match its CRC`))
  equal((await store('dump', root, '--body', 'none')).exitCode, 1)
})

test('repair shows what it would do, and does it when told to', async (t) => {
  const root = await sampleStore(t)
  const { path, position } = placeOf(root, recordsOf(root).at(-1)!.physicalOffset)
  overwrite(path, position + 300, Buffer.alloc(200))
  const before = hashOf(root)
  const dry = await store('repair', root)
  equal(dry.exitCode, 1)
  match(dry.out, /cut the log at physical offset \d+/)
  match(dry.out, /nothing was changed/)
  equal(hashOf(root), before)
  const done = await store('repair', root, '--yes', '--json')
  equal(done.exitCode, 0, done.errors)
  equal(JSON.parse(done.out).after.isClean, true)
  equal((await store('rebuild', root)).exitCode, 0)
})

test('a wrong command line ends with 2; a store in use or none with 3', async (t) => {
  equal((await store('verify')).exitCode, 2)
  equal((await store('dump', 'x', '--body', 'upside-down')).exitCode, 2)
  equal((await store('dump', 'x', '--limit', 'all')).exitCode, 2)
  equal((await store('nothing')).exitCode, 2)
  using home = new Home()
  const none = await store('stat', home.path)
  deepEqual([none.exitCode, none.out], [3, ''])
  match(none.errors, /holds no store/)
  const root = await sampleStore(t)
  await using _open = await openMessageStore(sampleOptions(root))
  for (const command of ['stat', 'verify', 'dump', 'repair', 'rebuild']) {
    const { exitCode, errors } = await store(command, root)
    equal(exitCode, 3)
    match(errors, /held by another process/)
  }
})

test("the engine's own files are known, and what is not is named", async (t) => {
  const root = await sampleStore(t)
  mkdirSync(`${root}/recycled`)
  writeFileSync(`${root}/recycled/1`, Buffer.alloc(8192, 1))
  writeFileSync(`${root}/unknown`, '')
  const { exitCode, out } = await store('verify', root)
  equal(exitCode, 0)
  match(out, /^not checked: unknown$/m)
  match((await store('stat', root)).out, /checksums \S+ KiB, recycled segments 8\.0 KiB\nnot looked at unknown/)
})

test('damage in the middle: verify names it, repair says that it would be quarantined, then only notes are left', async (t) => {
  const root = await sampleStore(t)
  const record = recordsOf(root)[50]!
  const { path, position } = placeOf(root, record.physicalOffset)
  flip(path, position + 100)
  equal((await store('verify', root)).exitCode, 1)
  const dry = await store('repair', root)
  equal(dry.exitCode, 1)
  const range = `${record.physicalOffset} to ${record.physicalOffset + record.sizeBytes}`
  match(dry.out, new RegExp(`quarantine physical offsets ${range}, where they are: the body does not match its CRC`))
  equal((await store('repair', root, '--yes')).exitCode, 0)
  const verify = await store('verify', root)
  equal(verify.exitCode, 0)
  match(
    verify.out,
    new RegExp(`^note QUARANTINED commitlog/\\d{20}:${position}: ${record.sizeBytes} bytes are quarantined`),
  )
  match(verify.out, /clean: 0 errors, 0 warnings, 1 notes/)
  match((await store('stat', root)).out, /^quarantined {3}1 damaged ranges of the log$/m)
  const rebuilt = await store('rebuild', root)
  equal(rebuilt.exitCode, 0, rebuilt.errors)
  match(rebuilt.out, /bytes are kept and passed over/)
  match(rebuilt.out, /note QUARANTINED/)
})
