import type { DamagedRange, LogRange } from './damage.ts'
import { DEFAULT_DELAY_LEVELS_MS } from './dispatch-rule.ts'
import { type Finding, Findings, type Severity } from './findings.ts'
import { IndexCheck } from './index-check.ts'
import { type LayoutOptions, readLayout, type StoreLayout } from './layout.ts'
import { ALTERED, type CheckedStep, LogSurvey } from './log-survey.ts'
import { type Quarantine, type QuarantinedRange, readQuarantine, reportQuarantine } from './quarantine.ts'
import { QueueCheck } from './queue-check.ts'
import { propertiesOf } from './record-reader.ts'
import { RecoveryPoints } from './recovery-point.ts'
import { type RemovedTopics, readRemovedTopics, reportRemovedTopics } from './removed-topics.ts'
import { checkCheckpoint, checkConfigFiles, checkRetentionFile } from './small-files.ts'

/** How far a long run has come. */
export interface Progress {
  readonly what: string
  readonly doneBytes: number
  readonly totalBytes: number
}

/** What to verify. */
export interface VerifyOptions extends LayoutOptions {
  /** Milliseconds of the delay levels, level 1 first; default Java's. */
  readonly delayLevelsMs?: readonly number[] | undefined
  /** Slots of an index file; default what the files tell. */
  readonly indexSlots?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What a store holds and what is wrong with it. */
export interface VerifyReport {
  readonly store: string
  /** Whether no error was found; warnings and notes may have been. */
  readonly isClean: boolean
  readonly counts: Readonly<Record<Severity, number>>
  readonly findings: readonly Finding[]
  /** Findings that were counted but are not listed: of each kind the first hundred are. */
  readonly unlisted: number
  readonly segments: number
  /** Undamaged records. */
  readonly records: number
  /** Physical offset behind the last good record. */
  readonly logEnd: number
  /** Damage with good records behind it, but for what is in quarantine: never cut. */
  readonly damagedRanges: readonly DamagedRange[]
  /** Those of them that no file holds. */
  readonly missingRanges: readonly LogRange[]
  /** Ranges that quarantine.json lists. */
  readonly quarantinedRanges: readonly QuarantinedRange[]
  /** Damage, in quarantine or not, behind which the engine would take the records for older leftovers and cut them. */
  readonly rangesBeforeOlder: readonly LogRange[]
  /** Records that are not what their checksum was made of, in quarantine or not. */
  readonly alteredRecords: number
  /** Whether an engine without its recovery point would take altered records for good, or good ones for leftovers. */
  readonly needsRecoveryPoint: boolean
  /** Where a torn tail begins. */
  readonly tornAt: number | undefined
  readonly queues: number
  /** Queue entries held against their record. */
  readonly queueEntries: number
  /** Queue entries of messages that the log no longer holds, has in quarantine or whose topic was removed; fillers. */
  readonly expiredQueueEntries: number
  /** Directories of queues whose files disagree with the log. */
  readonly damagedQueues: readonly string[]
  readonly indexFiles: number
  readonly indexItems: number
  readonly isIndexDamaged: boolean
  readonly configFiles: number
  /** Names in the store's directory that were not looked at. */
  readonly notChecked: readonly string[]
}

const PROGRESS_RECORDS = 4096

/** One verification: see {@link verifyStore}. */
class Verification {
  readonly layout: StoreLayout
  readonly findings = new Findings()
  readonly #options: VerifyOptions
  readonly #queues: QueueCheck
  readonly #index: IndexCheck
  readonly #logStart: number
  readonly #quarantine: Quarantine
  readonly #removed: RemovedTopics
  readonly #points: RecoveryPoints
  readonly #survey: LogSurvey
  #records = 0
  #newestMs = 0
  #logEnd: number
  #tornAt: number | undefined

  constructor(root: string, options: VerifyOptions) {
    this.#options = options
    this.layout = readLayout(root, options)
    const { layout, findings } = this
    const logStart = layout.segments[0]?.start ?? 0
    const { delayLevelsMs = DEFAULT_DELAY_LEVELS_MS, indexSlots } = options
    this.#logStart = logStart
    this.#logEnd = logStart
    this.#quarantine = readQuarantine(layout)
    this.#removed = readRemovedTopics(layout)
    this.#points = new RecoveryPoints(layout)
    this.#survey = new LogSurvey({
      layout,
      point: this.#points.found,
      quarantined: this.#quarantine.ranges,
      onChecksumProblem: (path, position) => {
        const message = 'the entries do not ascend: those behind are not found'
        findings.add('warning', 'CHECKSUM_FILE', layout.nameOf(path), message, { position })
      },
    })
    const { damage } = this.#survey
    this.#queues = new QueueCheck({ layout, findings, delayLevelsMs, damage, removed: this.#removed, logStart })
    this.#index = new IndexCheck({ layout, findings, damage, logStart, indexSlots })
  }

  run(): VerifyReport {
    const { layout, findings } = this
    this.#segments()
    for (const step of this.#survey.steps()) this.#step(step)
    this.#progress('queues', this.#logEnd)
    this.#queues.finish(this.#tornAt)
    this.#index.finish((path) => this.#progress(layout.nameOf(path), this.#logEnd))
    checkCheckpoint(layout, this.#newestMs, findings)
    this.#points.check(findings)
    reportQuarantine(this.#quarantine, layout, findings)
    reportRemovedTopics(this.#removed, findings)
    checkRetentionFile(layout, findings)
    const configFiles = checkConfigFiles(layout, findings)
    this.#extraFiles()
    return this.#report(configFiles)
  }

  #segments(): void {
    const { layout, findings } = this
    for (const { path, sizeBytes } of layout.segments) {
      if (sizeBytes === layout.segmentBytes) continue
      const message = `the file has ${sizeBytes} bytes, a segment of this store ${layout.segmentBytes}`
      findings.add('error', 'LOG_SEGMENT_SIZE', layout.nameOf(path), message)
    }
  }

  #step(step: CheckedStep): void {
    const { layout, findings } = this
    switch (step.kind) {
      case 'record':
        this.#record(step)
        return
      case 'altered':
        this.#altered(step)
        return
      case 'damage': {
        const { segment, from, to, reason } = step
        if (this.#survey.isListed(step)) return
        const message = `${reason}; the next good record stands at ${to}`
        const where = { position: from - segment.start, physicalOffset: from }
        findings.add('error', 'LOG_DAMAGED', layout.nameOf(segment.path), message, where)
        return
      }
      case 'gap': {
        const message = `no file holds physical offsets ${step.from} to ${step.to - 1}`
        findings.add('error', 'LOG_SEGMENT_MISSING', layout.nameOf(layout.commitLogDir), message, {
          physicalOffset: step.from,
        })
        return
      }
      case 'torn': {
        const where = { position: step.at - step.segment.start, physicalOffset: step.at }
        const message = `${step.reason}; no good record stands behind`
        this.#tornAt = step.at
        findings.add('error', 'LOG_TORN_TAIL', layout.nameOf(step.segment.path), message, where)
        return
      }
      case 'end':
        return
    }
  }

  #altered({ record, file }: Extract<CheckedStep, { kind: 'altered' }>): void {
    const { physicalOffset, sizeBytes, position } = record
    this.#logEnd = physicalOffset + sizeBytes
    if (this.#survey.isListed({ from: physicalOffset, to: this.#logEnd })) return
    const where = { position, physicalOffset }
    this.findings.add('error', 'LOG_CHECKSUM', this.layout.nameOf(file.path), ALTERED, where)
  }

  #record({ record, file }: Extract<CheckedStep, { kind: 'record' }>): void {
    const properties = propertiesOf(file, record)
    this.#queues.record(record, properties)
    this.#index.record(record, properties)
    this.#records += 1
    this.#logEnd = record.physicalOffset + record.sizeBytes
    if (record.storeTimestamp < this.#newestMs) {
      const message = `stored at ${record.storeTimestamp}, ${this.#newestMs - record.storeTimestamp} ms before a record in front of it`
      this.findings.add('note', 'LOG_TIME_BACKWARDS', this.layout.nameOf(file.path), message, {
        position: record.position,
        physicalOffset: record.physicalOffset,
      })
    } else this.#newestMs = record.storeTimestamp
    if (this.#records % PROGRESS_RECORDS === 0) this.#progress('commitlog', this.#logEnd)
  }

  #extraFiles(): void {
    const { layout, findings } = this
    if (layout.abort !== undefined) {
      findings.add(
        'note',
        'NOT_CLOSED',
        'abort',
        'the store was not closed in order; its next start checks and repairs it',
      )
    }
    for (const { path, kind } of layout.strays) {
      if (kind === 'leftover')
        findings.add('warning', 'LEFTOVER_FILE', layout.nameOf(path), 'left by an interrupted write')
      else findings.add('warning', 'STRAY_FILE', layout.nameOf(path), 'no file of this name belongs here')
    }
  }

  #progress(what: string, at: number): void {
    const { layout } = this
    const last = layout.segments.at(-1)
    const totalBytes = last === undefined ? 0 : last.start + last.sizeBytes - this.#logStart
    this.#options.onProgress?.({ what, doneBytes: at - this.#logStart, totalBytes })
  }

  #report(configFiles: number): VerifyReport {
    const { layout, findings } = this
    return {
      store: layout.root,
      isClean: findings.counts.error === 0,
      counts: { ...findings.counts },
      findings: findings.kept,
      unlisted: findings.unlisted,
      segments: layout.segments.length,
      records: this.#records,
      logEnd: this.#logEnd,
      damagedRanges: this.#survey.unlisted,
      missingRanges: this.#survey.gaps,
      quarantinedRanges: this.#quarantine.ranges,
      rangesBeforeOlder: this.#survey.olderBehind,
      alteredRecords: this.#survey.altered,
      needsRecoveryPoint: this.#survey.needsRecoveryPoint,
      tornAt: this.#tornAt,
      queues: layout.queues.length,
      queueEntries: this.#queues.entries,
      expiredQueueEntries: this.#queues.expired,
      damagedQueues: [...this.#queues.damaged].map((dir) => layout.nameOf(dir)),
      indexFiles: layout.indexFiles.length,
      indexItems: this.#index.items,
      isIndexDamaged: this.#index.isDamaged,
      configFiles,
      notChecked: layout.notChecked,
    }
  }
}

/**
 * Checks a store that nobody has open, ours or Java's: every record, every queue entry against its record in both
 * directions, index, checkpoint, configuration. Changes nothing. Memory stays bounded: windows of files, one bit for
 * each queue entry.
 *
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store; what the file system refuses as it is
 */
export const verifyStore = (root: string, options: VerifyOptions = {}): VerifyReport =>
  new Verification(root, options).run()
