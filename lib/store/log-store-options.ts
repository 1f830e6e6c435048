import type { FlushOptions, StoreOptions, StoreWatermarks, WritePath } from './message-store.ts'
import type { RetentionOptions } from './retention.ts'
import { StoreError } from './store-error.ts'

/** Where a log lives and how it works. Sizes are in bytes, times in milliseconds. Only `directory` is needed. */
export interface LogStoreOptions extends Omit<StoreOptions, 'rootDir' | 'storeHost' | 'flush' | 'retention'> {
  /** Directory of the store, in RocketMQ's layout. Created when absent; one open store at a time. */
  readonly directory: string
  /**
   * How appended messages become durable, and with that what `append` waits for when it is not told: `'sync'` for the
   * device, `'async'` for the log. Default `'async'`: flushed every 500 ms when 16 KiB are dirty, every 10 s in any case;
   * an object sets these times.
   */
  readonly flush?: 'sync' | 'async' | FlushOptions | undefined
  /** Topic of messages and reads that name none. Default `'log'`. */
  readonly topic?: string | undefined
  /** Queue of messages and reads that name none, 0 to 2,147,483,647. Default 0. */
  readonly queueId?: number | undefined
  /**
   * What is deleted without being asked. Default: nothing, whatever its age and however full the disk; appends are
   * refused (`STORE_NO_SPACE`) above 90 % all the same. What is given here replaces that, see there.
   */
  readonly retention?: RetentionOptions | undefined
  /** What stands in the records as the address they were stored at. Default 127.0.0.1, port 0. */
  readonly storeHost?: StoreOptions['storeHost'] | undefined
}

/** Every option; a row for each, so that a misspelt one is told and not passed over. */
const known: Record<keyof LogStoreOptions, true> = {
  directory: true,
  flush: true,
  topic: true,
  queueId: true,
  storeHost: true,
  commitLogDir: true,
  segmentBytes: true,
  consumeQueueFileBytes: true,
  maxBodyBytes: true,
  indexEnabled: true,
  indexSlots: true,
  indexItems: true,
  checkCrcOnRecover: true,
  writePath: true,
  stagingBytes: true,
  stagingWaitMs: true,
  directIo: true,
  dispatchDurableOnly: true,
  warmSegments: true,
  recycleSegments: true,
  consumeQueueFlushIntervalMs: true,
  retention: true,
  onRecoveryProgress: true,
  multiDispatch: true,
  consumeQueueExt: true,
  delayLevelsMs: true,
}

const knownOfFlush: Record<keyof FlushOptions, true> = {
  mode: true,
  intervalMs: true,
  leastPages: true,
  thoroughIntervalMs: true,
  commitIntervalMs: true,
  commitLeastPages: true,
  commitThoroughIntervalMs: true,
}

const keepsAll: RetentionOptions = { deleteHours: [], cleanPercent: 100, cleanForcibly: false }

export const invalid = (why: string): StoreError => new StoreError('STORE_INVALID_ARGUMENT', why)

const refuseUnknown = (what: string, given: object, known: object): void => {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) throw invalid(`${what} has no option ${name}`)
  }
}

/** Whether `value` is an integer from `least` to `most`; what is not ends in `STORE_INVALID_ARGUMENT`. */
export const checkInteger = (name: string, value: number, least: number, most: number): number => {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw invalid(`${name} is not an integer from ${least} to ${most}: ${String(value)}`)
}

const defaultSegmentBytes = 1 << 30

export const segmentBytesOf = ({ segmentBytes }: LogStoreOptions): number => segmentBytes ?? defaultSegmentBytes

const isSync = ({ flush }: LogStoreOptions): boolean => (typeof flush === 'object' ? flush.mode : flush) === 'sync'

/** The write path that `auto` stands for. */
export const writePathOf = (options: LogStoreOptions): Exclude<WritePath, 'auto'> => {
  const { writePath = 'auto' } = options
  if (writePath !== 'auto') return writePath
  return isSync(options) ? 'staged' : 'mapped'
}

/** What a read that starts now has to see, as a physical offset: it never waits for the device or for an interval. */
export const endToSeeOf = (options: LogStoreOptions): ((watermarks: StoreWatermarks) => number) => {
  if (isSync(options)) return ({ flushed }) => flushed
  return writePathOf(options) === 'pool' ? ({ committed }) => committed : ({ appended }) => appended
}

/** A raw store's options as those of the engine, which checks all that is not checked here. */
export const engineOptions = (options: LogStoreOptions): StoreOptions => {
  if (typeof options !== 'object' || options === null) throw invalid('openStore takes an object of options')
  refuseUnknown('openStore', options, known)
  const { directory, flush = 'async', topic: _topic, queueId: _queueId, storeHost, retention, ...others } = options
  if (typeof directory !== 'string' || directory === '') throw invalid('directory is not given')
  if (typeof flush === 'object' && flush !== null) refuseUnknown('flush', flush, knownOfFlush)
  else if (flush !== 'sync' && flush !== 'async') throw invalid(`flush is not 'sync', 'async' or an object: ${flush}`)
  return {
    ...others,
    rootDir: directory,
    retention: { ...keepsAll, ...retention },
    flush: typeof flush === 'string' ? { mode: flush } : flush,
    storeHost: storeHost ?? { address: '127.0.0.1', port: 0 },
  }
}
