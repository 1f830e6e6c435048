import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { AppendBatch, openMessageStore, type StoreOptions } from '../../../../lib/store/index.ts'
import { readCommitLog } from '../../../support/commitlog-reader.ts'
import { addRow, temporaryDirectory, whenDispatched } from '../../support/store-fixture.ts'

export const SEGMENT_BYTES = 65_536
export const QUEUE_FILE_BYTES = 600
export const INDEX_SLOTS = 101
export const MESSAGES = 240

export const sampleOptions = (rootDir: string): StoreOptions => ({
  rootDir,
  segmentBytes: SEGMENT_BYTES,
  consumeQueueFileBytes: QUEUE_FILE_BYTES,
  indexSlots: INDEX_SLOTS,
  indexItems: 150,
  storeHost: { address: '127.0.0.1', port: 10911 },
})

/** Message `n` is in queue n % 3 of one of two topics, has tag `tag-(n % 4)` and key `key-n`. */
export const sampleTopic = (n: number): string => (n % 5 === 0 ? 'Other' : 'Sample')

/** A closed store of {@link MESSAGES} messages in several segments, queue files and index files. */
export const sampleStore = async (t: TestContext, more: Partial<StoreOptions> = {}): Promise<string> => {
  const root = join(await temporaryDirectory(t), 'store')
  const store = await openMessageStore({ ...sampleOptions(root), ...more })
  const batch = new AppendBatch(MESSAGES)
  for (let n = 0; n < MESSAGES; n++) {
    const fields = { queueId: n % 3, tag: `tag-${n % 4}`, keys: `key-${n}` }
    addRow(batch, store.topic(sampleTopic(n)), `body ${n} `.padEnd(800, 'x'), fields)
  }
  store.append(batch)
  await whenDispatched(store)
  await store.close()
  return root
}

/** The log's records, by a reader that has nothing to do with the code under test. */
export const recordsOf = (root: string) => readCommitLog(join(root, 'commitlog')).records

/** File and position of a physical offset. */
export const placeOf = (root: string, physicalOffset: number): { path: string; position: number } => {
  const start = Math.floor(physicalOffset / SEGMENT_BYTES) * SEGMENT_BYTES
  return { path: join(root, 'commitlog', String(start).padStart(20, '0')), position: physicalOffset - start }
}

/** Flips the lowest bit of one byte. */
export const flip = (path: string, position: number): void => {
  const descriptor = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, position)
  byte[0]! ^= 1
  writeSync(descriptor, byte, 0, 1, position)
  closeSync(descriptor)
}

/** Writes bytes into a file. */
export const overwrite = (path: string, position: number, bytes: Uint8Array): void => {
  const descriptor = openSync(path, 'r+')
  writeSync(descriptor, bytes, 0, bytes.length, position)
  closeSync(descriptor)
}

/** Every file below a directory with its length and content, in one hash. */
export const hashOf = (dir: string): string => {
  const hash = createHash('sha256')
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true }).sort((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name)
    hash.update(`${path}\n`)
    if (entry.isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** Content of every file below a directory, by its path in it. */
export const contentsOf = (dir: string): Map<string, Buffer> =>
  new Map(
    readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(dir.length), readFileSync(path)]),
  )

/** Length of a file. */
export const sizeOf = (path: string): number => {
  const descriptor = openSync(path, 'r')
  const { size } = fstatSync(descriptor)
  closeSync(descriptor)
  return size
}
