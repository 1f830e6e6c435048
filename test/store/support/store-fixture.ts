import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  AppendBatch,
  AppendStatus,
  type MessageStore,
  openMessageStore,
  PullResult,
  PullStatus,
  type StoreOptions,
  type TopicHandle,
} from '../../../lib/store/index.ts'
import { waitFor } from '../../support/wait-for.ts'

const makeDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'apogee-store-'))

/** A directory that is removed at the end of the test. */
export const temporaryDirectory = async (t: TestContext): Promise<string> => {
  const directory = await makeDirectory()
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Options with small files. */
export const smallStore = (rootDir: string, more: Partial<StoreOptions> = {}): StoreOptions => ({
  rootDir,
  segmentBytes: 1 << 20,
  consumeQueueFileBytes: 20_000,
  indexSlots: 1000,
  indexItems: 4000,
  storeHost: { address: '127.0.0.1', port: 10911 },
  ...more,
})

/** A small store in a directory of its own; closed and removed at the end of the test. */
export const openTestStore = async (t: TestContext, more: Partial<StoreOptions> = {}): Promise<MessageStore> => {
  const directory = await makeDirectory()
  const store = await openMessageStore(smallStore(directory, more))
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return store
}

export interface RowFields {
  readonly queueId?: number
  readonly flag?: number
  readonly sysFlag?: number
  readonly bornTimestampMs?: number
  readonly batchSize?: number
  readonly tag?: string
  readonly keys?: string
  /** Further properties as stored. */
  readonly more?: string
}

const propertiesText = ({ tag, keys, more = '' }: RowFields): string =>
  more + (tag === undefined ? '' : `TAGS\x01${tag}\x02`) + (keys === undefined ? '' : `KEYS\x01${keys}\x02`)

/** Adds one row whose body is behind those already in `batch.body`. */
export const addRow = (
  batch: AppendBatch,
  topic: TopicHandle,
  body: Uint8Array | string,
  fields: RowFields = {},
): number => {
  const bytes = Buffer.from(body)
  const bodyStart = batch.body.length
  batch.body = Buffer.concat([batch.body, bytes])
  const hostStart = batch.auxUsed
  batch.auxUsed += Buffer.from([10, 0, 0, 7]).copy(batch.aux, hostStart)
  const propertiesStart = batch.auxUsed
  batch.auxUsed += batch.aux.write(propertiesText(fields), propertiesStart)
  return batch.add(
    topic,
    fields.queueId ?? 0,
    fields.flag ?? 0,
    fields.sysFlag ?? 0,
    0,
    fields.bornTimestampMs ?? 1_700_000_000_000,
    0,
    hostStart,
    4,
    40_000,
    bodyStart,
    bytes.length,
    propertiesStart,
    batch.auxUsed - propertiesStart,
    fields.batchSize ?? 1,
  )
}

/** Appends one batch of bodies and checks that all were taken. */
export const appendBodies = (
  store: MessageStore,
  topic: TopicHandle,
  bodies: readonly (Uint8Array | string)[],
  fields: RowFields = {},
): AppendBatch => {
  const batch = new AppendBatch(bodies.length)
  for (const body of bodies) addRow(batch, topic, body, fields)
  store.append(batch)
  for (let row = 0; row < batch.count; row++) assert.equal(batch.status(row), AppendStatus.OK)
  return batch
}

/** Resolves when everything appended can be pulled. */
export const whenDispatched = (store: MessageStore): Promise<true> =>
  waitFor(
    'the dispatcher',
    () => store.watermarks.dispatched >= store.watermarks.appended && store.watermarks.dispatched > 0,
    { everyMs: 1 },
  )

/** Body of a record with an IPv4 born host and store host. */
export const recordBody = (record: Buffer): string => {
  const bodyBytes = record.readInt32BE(84)
  return record.toString('utf8', 88, 88 + bodyBytes)
}

/** Splits pulled bytes into records by their size fields. */
export const splitRecords = (bytes: Buffer): Buffer[] => {
  const records: Buffer[] = []
  for (let start = 0; start < bytes.length; start += bytes.readInt32BE(start)) {
    records.push(bytes.subarray(start, start + bytes.readInt32BE(start)))
  }
  return records
}

/** Pulls from one queue and gives the bodies. */
export const pullBodies = (
  store: MessageStore,
  topic: TopicHandle,
  queueId = 0,
  from = 0,
  tagCodes?: Int32Array,
): string[] => {
  const into = Buffer.alloc(1 << 20)
  const result = new PullResult()
  store.pull(topic, queueId, from, 1000, tagCodes, into.length, into, 0, result)
  if (result.status !== PullStatus.FOUND) return []
  return splitRecords(into.subarray(0, result.sizeBytes)).map(recordBody)
}

/** Java's String.hashCode. */
export const javaHash = (text: string): number => {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (31 * hash + text.charCodeAt(index)) | 0
  return hash
}
