/** `error`: damage. `warning`: odd, or what the next start puts right by itself. `note`: worth knowing. */
export type Severity = 'error' | 'warning' | 'note'

/** What findings are about, in the words of docs/store-tools.md. */
export type FindingCode =
  | 'LOG_DAMAGED'
  | 'LOG_TORN_TAIL'
  | 'LOG_CHECKSUM'
  | 'LOG_SEGMENT_MISSING'
  | 'LOG_SEGMENT_SIZE'
  | 'LOG_TIME_BACKWARDS'
  | 'QUEUE_ENTRY_MISSING'
  | 'QUEUE_ENTRY_WRONG'
  | 'QUEUE_ENTRY_STRAY'
  | 'QUEUE_BEHIND_LOG'
  | 'QUEUE_FILES'
  | 'QUEUE_OFFSET_REPEATED'
  | 'QUEUE_RECORD_ILLEGAL'
  | 'QUEUE_TAG_CODE'
  | 'QUEUE_UNIT_MISSING'
  | 'QUEUE_UNIT_WRONG'
  | 'INDEX_HEADER'
  | 'INDEX_SIZES_UNKNOWN'
  | 'INDEX_ITEM'
  | 'INDEX_SLOT'
  | 'INDEX_INCOMPLETE'
  | 'CHECKPOINT'
  | 'RECOVERY_POINT'
  | 'CHECKSUM_FILE'
  | 'QUARANTINED'
  | 'QUARANTINE_FILE'
  | 'REMOVED_TOPICS_FILE'
  | 'RETENTION_FILE'
  | 'NOT_CLOSED'
  | 'CONFIG_BROKEN'
  | 'STRAY_FILE'
  | 'LEFTOVER_FILE'

/** One thing found. */
export interface Finding {
  readonly severity: Severity
  readonly code: FindingCode
  /** Relative to the store's directory, or absolute for a log that lies elsewhere. */
  readonly file: string
  /** Byte position in the file; undefined when the finding is about the whole file. */
  readonly position?: number | undefined
  /** Physical offset in the log that the finding is about. */
  readonly physicalOffset?: number | undefined
  readonly message: string
}

const KEPT_PER_CODE = 100

/** Findings as they come: all are counted, the first hundred of each kind are kept. */
export class Findings {
  readonly kept: Finding[] = []
  readonly #byKind = new Map<string, number>()
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }

  add(
    severity: Severity,
    code: FindingCode,
    file: string,
    message: string,
    where: Pick<Finding, 'position' | 'physicalOffset'> = {},
  ): void {
    this.#counts[severity] += 1
    const kind = `${severity} ${code}`
    const earlier = this.#byKind.get(kind) ?? 0
    this.#byKind.set(kind, earlier + 1)
    if (earlier < KEPT_PER_CODE) this.kept.push({ severity, code, file, ...where, message })
  }

  get counts(): Readonly<Record<Severity, number>> {
    return this.#counts
  }

  /** How many findings of a kind are counted only. */
  get unlisted(): number {
    return this.#counts.error + this.#counts.warning + this.#counts.note - this.kept.length
  }

  has(code: FindingCode): boolean {
    return this.kept.some((finding) => finding.code === code)
  }
}
