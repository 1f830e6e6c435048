import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RecoveryReport } from '../message-store.ts'
import { openMessageStore } from '../native-store.ts'
import type { RetentionOptions } from '../retention.ts'
import { DEFAULT_DELAY_LEVELS_MS } from './dispatch-rule.ts'
import { IndexReader } from './index-reader.ts'
import type { LayoutOptions, StoreLayout } from './layout.ts'
import { type SetAside, syncDirectory } from './set-aside.ts'

/** What the engine must know to make queues and index as they were. */
export interface EngineOptions extends LayoutOptions {
  /** Size of a queue file; default that of the largest, or 6,000,000. */
  readonly queueFileBytes?: number | undefined
  /** Slots of an index file; default what the files tell, or 5,000,000. */
  readonly indexSlots?: number | undefined
  /** Items of an index file; default what the files tell, or 20,000,000. */
  readonly indexItems?: number | undefined
  /** Milliseconds of the delay levels, level 1 first; default Java's. */
  readonly delayLevelsMs?: readonly number[] | undefined
}

interface IndexSizes {
  readonly indexSlots?: number | undefined
  readonly indexItems?: number | undefined
}

const indexSizes = (layout: StoreLayout, { indexSlots, indexItems }: EngineOptions): IndexSizes => {
  if (indexSlots !== undefined && indexItems !== undefined) return { indexSlots, indexItems }
  for (const path of layout.indexFiles) {
    using index = new IndexReader(path, indexSlots)
    if (index.slots !== undefined) return { indexSlots: index.slots, indexItems: indexItems ?? index.items }
  }
  return { indexSlots, indexItems }
}

const queueFileBytes = (layout: StoreLayout): number | undefined => {
  let bytes = 0
  for (const queue of layout.queues) bytes = Math.max(bytes, queue.fileBytes)
  return bytes === 0 ? undefined : bytes
}

/** The times of queues and index in the checkpoint, in milliseconds. */
const DERIVED_TIMES_AT = 8
const DERIVED_TIMES_BYTES = 16

/** However old or full: a tool deletes no messages. */
const NO_RETENTION: RetentionOptions = { deleteHours: [], cleanPercent: 100, forcedPercent: 100, cleanForcibly: false }

const durably = (path: string, flags: string, write: (descriptor: number) => void): void => {
  const descriptor = openSync(path, flags)
  try {
    write(descriptor)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * One opening and closing by the engine, that makes anew what queues and index lack. {@link prepare} sets it up,
 * {@link run} opens and closes, {@link undo} puts back what it found when the engine refused.
 *
 * As a rule the engine is made to look at the whole log, whatever it believes to know: the store counts as not closed,
 * the checkpoint's times of queues and index as unknown, and recovery point and checksums are put aside. It makes both
 * anew then, from the log as it is. A log that needs its recovery point (see `LogSurvey`) keeps that, its checksums and
 * the checkpoint: what is in front of the point the engine holds against the checksums then, and makes what queues or
 * index lack.
 */
export class EnginePass {
  readonly #layout: StoreLayout
  readonly #aside: SetAside
  readonly #options: EngineOptions
  readonly #sizes: IndexSizes

  /** Reads sizes from the files, which may be set aside from then on. */
  constructor(layout: StoreLayout, aside: SetAside, options: EngineOptions) {
    this.#layout = layout
    this.#aside = aside
    this.#options = options
    this.#sizes = indexSizes(layout, options)
  }

  prepare(needsRecoveryPoint: boolean): void {
    const { root, abort } = this.#layout
    // Until the pass has come to its end, whoever opens the store must not trust queues and index.
    if (abort === undefined) durably(join(root, 'abort'), 'w', () => undefined)
    if (!needsRecoveryPoint) this.#forget()
    syncDirectory(root)
  }

  /** The log's own time stays: what was stored up to then is never cut. */
  #forget(): void {
    const { root, checkpoint } = this.#layout
    if (checkpoint !== undefined) {
      const kept = this.#aside.placeOf(checkpoint)
      mkdirSync(dirname(kept), { recursive: true })
      copyFileSync(checkpoint, kept)
      durably(checkpoint, 'r+', (descriptor) =>
        writeSync(descriptor, Buffer.alloc(DERIVED_TIMES_BYTES), 0, DERIVED_TIMES_BYTES, DERIVED_TIMES_AT),
      )
    }
    for (const name of ['recovery-point', 'checksums']) this.#aside.move(join(root, name))
  }

  async run(): Promise<RecoveryReport> {
    const { layout, options } = { layout: this.#layout, options: this.#options }
    const store = await openMessageStore({
      rootDir: layout.root,
      commitLogDir: layout.commitLogDir,
      segmentBytes: layout.segmentBytes,
      consumeQueueFileBytes: options.queueFileBytes ?? queueFileBytes(layout),
      ...this.#sizes,
      // Records behind damage count as promised: the engine cuts none of them.
      flush: { mode: 'sync' },
      retention: NO_RETENTION,
      delayLevelsMs: options.delayLevelsMs ?? DEFAULT_DELAY_LEVELS_MS,
      // Only records that are appended carry it, and none is.
      storeHost: { address: '127.0.0.1', port: 10911 },
    })
    const { recovery } = store
    await store.close()
    return recovery
  }

  undo(): void {
    const { root, checkpoint, abort } = this.#layout
    if (checkpoint !== undefined) {
      const kept = this.#aside.placeOf(checkpoint)
      if (existsSync(kept)) copyFileSync(kept, checkpoint)
    }
    this.#aside.restore()
    if (abort === undefined) rmSync(join(root, 'abort'), { force: true })
    syncDirectory(root)
  }
}
