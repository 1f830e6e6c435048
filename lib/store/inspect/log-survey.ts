import { covers, type DamagedRange, DamageMap, type LogRange } from './damage.ts'
import type { FileWindow } from './file-window.ts'
import type { SegmentFile, StoreLayout } from './layout.ts'
import { type LogStep, walkLog } from './log-walk.ts'
import { type ChecksumProblem, RecordChecksums } from './record-checksums.ts'
import type { RecordHead } from './record-reader.ts'
import { type RecoveryPoint, trustedBy } from './recovery-point.ts'

/** A step of the log's walk, or a record whose bytes are sound but not what its checksum was made of. */
export type CheckedStep = LogStep | { readonly kind: 'altered'; readonly record: RecordHead; readonly file: FileWindow }

/** What to hold the log against. */
export interface LogSurveyContext {
  readonly layout: StoreLayout
  /** From which the engine starts; undefined when it looks at more. */
  readonly point: RecoveryPoint | undefined
  /** Ranges that quarantine.json has, ascending. */
  readonly quarantined: readonly LogRange[]
  readonly onChecksumProblem?: ChecksumProblem | undefined
  readonly onSegment?: ((segment: SegmentFile) => void) | undefined
}

export const ALTERED = 'the record is not what its checksum was made of'

/** Walks through the whole log, bodies and checksums checked, and keeps what is damaged. */
export class LogSurvey {
  readonly #context: LogSurveyContext
  #isOlderBelowPoint = false
  /** Damage with good records behind it, whether quarantine.json has it or not. */
  readonly damage = new DamageMap()
  /** Damage that quarantine.json does not have, {@link gaps} among it. */
  readonly unlisted: DamagedRange[] = []
  /** Ranges that no file holds: no engine opens such a log. */
  readonly gaps: LogRange[] = []
  /**
   * Damage behind the recovery point whose next good record is older than the one in front of it: the engine takes what
   * follows for the leftover of an earlier log, and cuts there.
   */
  readonly olderBehind: LogRange[] = []
  /** Records that are not what their checksum was made of, quarantined or not. */
  altered = 0
  #storedMs = 0
  #passed: LogRange | undefined

  constructor(context: LogSurveyContext) {
    this.#context = context
  }

  /**
   * Whether only the recovery point keeps the engine from taking altered records for good ones, or good records behind
   * damage for leftovers.
   */
  get needsRecoveryPoint(): boolean {
    return this.altered > 0 || this.#isOlderBelowPoint
  }

  /** Whether quarantine.json has all of a range. */
  isListed(range: LogRange): boolean {
    return covers(this.#context.quarantined, range)
  }

  /** A record's `file` is valid until the next step. */
  *steps(): Generator<CheckedStep, void, undefined> {
    const { layout, point, onChecksumProblem = () => undefined, onSegment } = this.#context
    using checksums = new RecordChecksums(layout, trustedBy(point), onChecksumProblem)
    for (const step of walkLog(layout, { onSegment })) {
      const isAltered = step.kind === 'record' && !checksums.matches(step.record, step.file)
      const checked: CheckedStep = isAltered ? { ...step, kind: 'altered' } : step
      this.#take(checked)
      yield checked
    }
  }

  #take(step: CheckedStep): void {
    if (step.kind === 'damage') {
      this.#add(step)
      this.#passed = step
    } else if (step.kind === 'gap') {
      this.gaps.push({ from: step.from, to: step.to })
      this.#add({ from: step.from, to: step.to, reason: 'no file holds it' })
    } else if (step.kind === 'record' || step.kind === 'altered') {
      const { physicalOffset: from, sizeBytes, storeTimestamp } = step.record
      if (step.kind === 'altered') {
        this.altered += 1
        this.#add({ from, to: from + sizeBytes, reason: ALTERED })
      }
      if (this.#passed !== undefined && storeTimestamp < this.#storedMs) this.#addOlder(this.#passed)
      this.#passed = undefined
      this.#storedMs = storeTimestamp
    }
  }

  #addOlder({ from, to }: LogRange): void {
    if (to <= (this.#context.point?.offset ?? 0)) this.#isOlderBelowPoint = true
    else this.olderBehind.push({ from, to })
  }

  #add({ from, to, reason }: DamagedRange): void {
    const isListed = this.isListed({ from, to })
    this.damage.add({ from, to }, isListed)
    if (!isListed) this.unlisted.push({ from, to, reason })
  }
}
