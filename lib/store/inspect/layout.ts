import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { StoreError } from '../store-error.ts'

/** One file of fixed size in a row of such files: a log segment or a part of a queue. */
export interface SegmentFile {
  readonly path: string
  /** Position of its first byte in the whole row, which its name says. */
  readonly start: number
  readonly sizeBytes: number
  readonly allocatedBytes: number
}

/** The files of one consume queue. */
export interface QueueFiles {
  readonly topic: string
  readonly queueId: number
  readonly dir: string
  /** By start. */
  readonly files: readonly SegmentFile[]
  /** Size that every file has. */
  readonly fileBytes: number
}

/** A file in a place where none of this name belongs. */
export interface StrayFile {
  readonly path: string
  /** `leftover`: of a write or creation that was interrupted. */
  readonly kind: 'leftover' | 'stray'
}

/** What stands where in a store's directory. */
export interface StoreLayout {
  readonly root: string
  readonly commitLogDir: string
  /** By start. */
  readonly segments: readonly SegmentFile[]
  /** Size of a log segment, 0 without segments. */
  readonly segmentBytes: number
  readonly queues: readonly QueueFiles[]
  /** Paths, oldest first. */
  readonly indexFiles: readonly string[]
  readonly checkpoint: string | undefined
  readonly abort: string | undefined
  /** Where the engine's next opening begins. */
  readonly recoveryPoint: string | undefined
  /** Topics whose queues were removed. */
  readonly removedTopics: string | undefined
  /** Retention of single topics, and the time that has verifiably passed. */
  readonly retention: string | undefined
  /** Files of consumequeue_ext/, Java's extensions of queue entries. */
  readonly extensions: readonly QueueFiles[]
  /** Files of checksums/, named as the log's segments, by start. */
  readonly checksumFiles: readonly SegmentFile[]
  /** Retired segments that wait for another use. */
  readonly recycledFiles: readonly string[]
  /** JSON files of config/, their backups among them. */
  readonly configFiles: readonly string[]
  readonly strays: readonly StrayFile[]
  /** Names these tools do not know, relative to the root: left alone. */
  readonly notChecked: readonly string[]
  /** What a path is called in findings. */
  nameOf(path: string): string
}

/** Where the store is, and what its files cannot tell. */
export interface LayoutOptions {
  /** Directory of the CommitLog; default ROOT/commitlog. */
  readonly commitLogDir?: string | undefined
  /** Size of a log segment; default that of the largest. */
  readonly segmentBytes?: number | undefined
}

const segmentName = /^\d{20}$/
const indexName = /^\d{1,18}$/
const queueName = /^(0|[1-9]\d{0,9})$/
const topicName = /^[%|a-zA-Z0-9_-]{1,127}$/
/** Where these tools put what they replace. */
const asideName = /^aside-\d+$/
const leftoverName = /\.tmp(\.|$)|~$/
const ENTRY_BYTES = 20
const STAT_BLOCK_BYTES = 512
const rootNames: ReadonlySet<string> = new Set([
  'commitlog',
  'consumequeue',
  'index',
  'config',
  'checkpoint',
  'abort',
  'lock',
  'recovery-point',
  'quarantine.json',
  'checksums',
  'recycled',
  'removed-topics',
  'retention.txt',
  'consumequeue_ext',
])
/** What interrupted writes of the engine leave in the root. */
const rootLeftovers: ReadonlySet<string> = new Set(['quarantine.json.tmp', 'retention.txt.tmp', 'removed-topics.new'])

const entriesOf = (dir: string) => {
  try {
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const strayFile = (path: string): StrayFile => ({ path, kind: leftoverName.test(path) ? 'leftover' : 'stray' })

const segmentsOf = (dir: string, strays: StrayFile[]): SegmentFile[] => {
  const files: SegmentFile[] = []
  for (const entry of entriesOf(dir)) {
    const path = join(dir, entry.name)
    const start = Number(entry.name)
    if (!entry.isFile() || !segmentName.test(entry.name) || !Number.isSafeInteger(start)) {
      strays.push(strayFile(path))
      continue
    }
    const { size, blocks } = statSync(path)
    files.push({ path, start, sizeBytes: size, allocatedBytes: blocks * STAT_BLOCK_BYTES })
  }
  return files.sort((a, b) => a.start - b.start)
}

/** Size of a file in the row: files are equally long, and each begins where the one before it ends. */
const nominalBytes = (files: readonly SegmentFile[]): number => {
  let nominal = 0
  for (const { sizeBytes } of files) nominal = Math.max(nominal, sizeBytes)
  return nominal
}

/** `unitBytes`: what a file's size is rounded up to. */
const queuesOf = (dir: string, unitBytes: number, strays: StrayFile[]): QueueFiles[] => {
  const queues: QueueFiles[] = []
  for (const topic of entriesOf(dir)) {
    const topicDir = join(dir, topic.name)
    if (!topic.isDirectory() || !topicName.test(topic.name)) {
      strays.push(strayFile(topicDir))
      continue
    }
    for (const queue of entriesOf(topicDir)) {
      const queueDir = join(topicDir, queue.name)
      if (!queue.isDirectory() || !queueName.test(queue.name)) {
        strays.push(strayFile(queueDir))
        continue
      }
      const files = segmentsOf(queueDir, strays)
      const fileBytes = Math.ceil(nominalBytes(files) / unitBytes) * unitBytes
      queues.push({ topic: topic.name, queueId: Number(queue.name), dir: queueDir, files, fileBytes })
    }
  }
  return queues
}

const indexFilesOf = (dir: string, strays: StrayFile[]): string[] => {
  const files: string[] = []
  for (const entry of entriesOf(dir)) {
    const path = join(dir, entry.name)
    if (entry.isFile() && indexName.test(entry.name)) files.push(path)
    else strays.push(strayFile(path))
  }
  return files
}

const configFilesOf = (dir: string, strays: StrayFile[], notChecked: string[]): string[] => {
  const files: string[] = []
  for (const entry of entriesOf(dir)) {
    const path = join(dir, entry.name)
    if (entry.isFile() && /\.json(\.bak)?$/.test(entry.name)) files.push(path)
    else if (entry.isFile() && leftoverName.test(entry.name)) strays.push(strayFile(path))
    else notChecked.push(`config/${entry.name}`)
  }
  return files
}

/**
 * Looks at a store's directory: names and sizes only, no content.
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store
 */
export const readLayout = (root: string, options: LayoutOptions = {}): StoreLayout => {
  const rootEntries = entriesOf(root)
  const commitLogDir = options.commitLogDir ?? join(root, 'commitlog')
  const has = (name: string): boolean => rootEntries.some((entry) => entry.name === name)
  if (!has('commitlog') && !has('consumequeue') && options.commitLogDir === undefined) {
    throw new StoreError('STORE_NOT_FOUND', `${root} holds no store: it has neither commitlog/ nor consumequeue/`)
  }
  const strays: StrayFile[] = []
  const notChecked = rootEntries
    .filter(({ name }) => !rootNames.has(name) && !rootLeftovers.has(name) && !asideName.test(name))
    .map(({ name }) => name)
  for (const name of rootLeftovers) if (has(name)) strays.push({ path: join(root, name), kind: 'leftover' })
  const segments = segmentsOf(commitLogDir, strays)
  const fileAt = (name: string): string | undefined => (has(name) ? join(root, name) : undefined)
  return {
    root,
    commitLogDir,
    segments,
    segmentBytes: options.segmentBytes ?? nominalBytes(segments),
    queues: queuesOf(join(root, 'consumequeue'), ENTRY_BYTES, strays),
    indexFiles: indexFilesOf(join(root, 'index'), strays),
    checkpoint: fileAt('checkpoint'),
    abort: fileAt('abort'),
    recoveryPoint: fileAt('recovery-point'),
    removedTopics: fileAt('removed-topics'),
    retention: fileAt('retention.txt'),
    extensions: queuesOf(join(root, 'consumequeue_ext'), 1, strays),
    checksumFiles: segmentsOf(join(root, 'checksums'), strays),
    recycledFiles: entriesOf(join(root, 'recycled'))
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(root, 'recycled', name)),
    configFiles: configFilesOf(join(root, 'config'), strays, notChecked),
    strays,
    notChecked,
    nameOf: (path) => {
      const name = relative(root, path)
      return name.startsWith('..') ? path : name
    },
  }
}
