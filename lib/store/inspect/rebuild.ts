import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from '../directory-lock.ts'
import type { RecoveryReport } from '../message-store.ts'
import { StoreError } from '../store-error.ts'
import { type EngineOptions, EnginePass } from './engine-pass.ts'
import { type QueueFiles, readLayout, type StoreLayout } from './layout.ts'
import { walkLog } from './log-walk.ts'
import { QueueReader } from './queue-reader.ts'
import { SetAside } from './set-aside.ts'
import { type Progress, type VerifyReport, verifyStore } from './verify.ts'

export interface RebuildOptions extends EngineOptions {
  /** Whether the old files stay in `aside-N` also when the new ones are right. Default false. */
  readonly keepOld?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What became of a rebuild. */
export interface RebuildReport {
  /** What the engine found in the log. */
  readonly recovery: RecoveryReport
  /** The store afterwards. */
  readonly after: VerifyReport
  /** Where the old files are; undefined when they were deleted. */
  readonly aside: string | undefined
  /** Queues left as they are, since the log holds none of their messages any more: only their files know their offsets. */
  readonly keptQueues: readonly string[]
}

const refuseDamage = (layout: StoreLayout, onProgress: RebuildOptions['onProgress']): void => {
  const start = layout.segments[0]?.start ?? 0
  const totalBytes = layout.segments.length * layout.segmentBytes
  const onSegment = (segment: { readonly start: number }): void =>
    onProgress?.({ what: 'commitlog', doneBytes: segment.start - start, totalBytes })
  for (const step of walkLog(layout, { onSegment })) {
    if (step.kind !== 'damage' && step.kind !== 'gap') continue
    const why = 'has good records behind it: the queues cannot be made from a log with a hole'
    throw new StoreError('STORE_CORRUPTION', `the damage at physical offset ${step.from} ${why}; see "store verify"`)
  }
}

/** Whether the log holds none of the queue's messages any more. */
const isExpired = (queue: QueueFiles, logStart: number): boolean => {
  using reader = new QueueReader(queue)
  const end = reader.end()
  return end > reader.first && reader.min(end, logStart) === end
}

/**
 * Makes consumequeue/ and index/ anew from the log of a store that nobody has open, by the engine. The old files are
 * moved aside first and deleted only when the new ones are durable and verified; when the engine fails they are put
 * back.
 *
 * @throws {StoreError} `STORE_LOCKED` while the store is open, `STORE_CORRUPTION` when the log is damaged with good
 *   records behind the damage, `STORE_NOT_FOUND`, what `openMessageStore` throws
 */
export const rebuildStore = async (root: string, options: RebuildOptions = {}): Promise<RebuildReport> => {
  const lock = lockDirectory(root)
  const layout = readLayout(root, options)
  const aside = new SetAside(layout)
  const keptQueues: string[] = []
  const pass = new EnginePass(layout, aside, options)
  try {
    refuseDamage(layout, options.onProgress)
    const logStart = layout.segments[0]?.start ?? 0
    pass.prepare()
    for (const queue of layout.queues) {
      if (isExpired(queue, logStart)) keptQueues.push(layout.nameOf(queue.dir))
      else aside.move(queue.dir)
    }
    aside.move(join(root, 'index'))
  } catch (error) {
    pass.undo()
    throw error
  } finally {
    // The engine takes it itself.
    lock.release()
  }
  const recovery = await pass.run().catch((error: unknown) => {
    for (const queue of layout.queues) {
      if (!keptQueues.includes(layout.nameOf(queue.dir))) rmSync(queue.dir, { recursive: true, force: true })
    }
    pass.undo()
    throw error
  })
  const after = verifyStore(root, options)
  const isKept = options.keepOld === true || !after.isClean
  if (!isKept) aside.remove()
  return { recovery, after, aside: isKept ? aside.dir : undefined, keptQueues }
}
