import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from '../directory-lock.ts'
import type { RecoveryReport } from '../message-store.ts'
import { StoreError } from '../store-error.ts'
import { type EngineOptions, EnginePass } from './engine-pass.ts'
import { type QueueFiles, readLayout, type StoreLayout } from './layout.ts'
import { LogSurvey } from './log-survey.ts'
import { addToQuarantine, readQuarantine } from './quarantine.ts'
import { QueueReader } from './queue-reader.ts'
import { RecoveryPoints } from './recovery-point.ts'
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

/** Reads the whole log. */
const survey = (layout: StoreLayout, onProgress: RebuildOptions['onProgress']): LogSurvey => {
  const start = layout.segments[0]?.start ?? 0
  const totalBytes = layout.segments.length * layout.segmentBytes
  const log = new LogSurvey({
    layout,
    point: new RecoveryPoints(layout).found,
    quarantined: readQuarantine(layout).ranges,
    onSegment: (segment) => onProgress?.({ what: 'commitlog', doneBytes: segment.start - start, totalBytes }),
  })
  for (const _ of log.steps());
  return log
}

/** What an engine would cut, or not open at all. */
const refuse = ({ gaps, olderBehind }: LogSurvey): void => {
  const [gap] = gaps
  if (gap !== undefined) {
    const where = `no file holds physical offsets ${gap.from} to ${gap.to - 1}`
    throw new StoreError('STORE_CORRUPTION', `${where}: the engine opens no such log; see "store verify"`)
  }
  const [range] = olderBehind
  if (range === undefined) return
  const why =
    'has records behind it that are older than those in front: the engine would take them for leftovers and cut'
  throw new StoreError('STORE_CORRUPTION', `the damage at physical offset ${range.from} ${why}; see "store verify"`)
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
 * back. Damage with good records behind it is quarantined: it stays where it is, and the queues go around it.
 *
 * @throws {StoreError} `STORE_LOCKED` while the store is open, `STORE_CORRUPTION` when a file of the log is missing or
 *   damage has older records behind it, `STORE_NOT_FOUND`, what `openMessageStore` throws
 */
export const rebuildStore = async (root: string, options: RebuildOptions = {}): Promise<RebuildReport> => {
  const lock = lockDirectory(root)
  const layout = readLayout(root, options)
  const aside = new SetAside(layout)
  const keptQueues: string[] = []
  const pass = new EnginePass(layout, aside, options)
  let log: LogSurvey
  try {
    log = survey(layout, options.onProgress)
    refuse(log)
    const logStart = layout.segments[0]?.start ?? 0
    pass.prepare(log.needsRecoveryPoint)
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
  // The engine has listed what it met; of bodies below a recovery point that stayed it has not looked at any.
  using _lock = lockDirectory(root)
  addToQuarantine(layout, log.unlisted)
  const after = verifyStore(root, options)
  const isKept = options.keepOld === true || !after.isClean
  if (!isKept) aside.remove()
  return { recovery, after, aside: isKept ? aside.dir : undefined, keptQueues }
}
