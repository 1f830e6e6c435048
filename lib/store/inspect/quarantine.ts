import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errorText } from '../../base/errors.ts'
import { covers, type DamagedRange, type LogRange } from './damage.ts'
import type { Findings } from './findings.ts'
import type { StoreLayout } from './layout.ts'
import { syncDirectory } from './set-aside.ts'

const MOST_BYTES = 4 << 20
const MOST_RANGES = 10_000

/** A range that the engine, or a repair, has found damaged: kept where it is, never read as messages. */
export interface QuarantinedRange extends DamagedRange {
  /** Milliseconds since the epoch. */
  readonly foundAtMs: number
}

/** What quarantine.json says. */
export interface Quarantine {
  /** Ascending; of one place the longer one comes last. */
  readonly ranges: readonly QuarantinedRange[]
  /** Why the file cannot be read; undefined when it can, or is not there. */
  readonly problem: string | undefined
}

const rangeOf = (value: unknown): QuarantinedRange => {
  const { from, to, reason = '', foundAtMs = 0 } = (value ?? {}) as Partial<QuarantinedRange>
  const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from! >= 0 && from! < to!
  if (!isRange || typeof reason !== 'string' || !Number.isSafeInteger(foundAtMs)) {
    throw new Error(`${JSON.stringify(value)} is no range`)
  }
  return { from: from!, to: to!, reason, foundAtMs }
}

const pathOf = ({ root }: StoreLayout): string => join(root, 'quarantine.json')

/** Reads quarantine.json as it is now. */
export const readQuarantine = (layout: StoreLayout): Quarantine => {
  const path = pathOf(layout)
  if (!existsSync(path)) return { ranges: [], problem: undefined }
  try {
    if (statSync(path).size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`)
    const { version, ranges } = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; ranges?: unknown }
    if (version !== 1 || !Array.isArray(ranges)) throw new Error('no list of ranges of version 1')
    if (ranges.length > MOST_RANGES) throw new Error(`more than ${MOST_RANGES} ranges`)
    return { ranges: ranges.map(rangeOf).sort((a, b) => a.from - b.from || a.to - b.to), problem: undefined }
  } catch (error) {
    return { ranges: [], problem: errorText(error) }
  }
}

/** Tells of every range that the log still holds. */
export const reportQuarantine = ({ ranges, problem }: Quarantine, layout: StoreLayout, findings: Findings): void => {
  if (problem !== undefined) findings.add('warning', 'QUARANTINE_FILE', 'quarantine.json', problem)
  for (const { from, to, reason, foundAtMs } of ranges) {
    const segment = layout.segments.find(({ start }) => from >= start && from < start + layout.segmentBytes)
    const file = segment === undefined ? 'quarantine.json' : layout.nameOf(segment.path)
    const position = segment === undefined ? undefined : from - segment.start
    const when = foundAtMs > 0 && foundAtMs < 8.64e15 ? ` since ${new Date(foundAtMs).toISOString()}` : ''
    const message = `${to - from} bytes are quarantined${when}: ${reason}`
    findings.add('note', 'QUARANTINED', file, message, { position, physicalOffset: from })
  }
}

/** In the engine's own form, which it reads line by line. */
const textOf = (ranges: readonly QuarantinedRange[]): string => {
  const lines = ranges.map(
    ({ from, to, reason, foundAtMs }) =>
      `\n    {"from": ${from}, "to": ${to}, "reason": "${reason.replace(/["\\]|[^ -~]/g, ' ')}", "foundAtMs": ${foundAtMs}}`,
  )
  return `{\n  "version": 1,\n  "ranges": [${lines.join(',')}\n  ]\n}\n`
}

/**
 * Adds to quarantine.json what it does not have, and replaces the file in one durable step. Ranges that the log no
 * longer holds go. The caller holds the store's lock.
 */
export const addToQuarantine = (layout: StoreLayout, found: readonly DamagedRange[], nowMs = Date.now()): void => {
  const { ranges } = readQuarantine(layout)
  const isNew = (range: LogRange): boolean => !covers(ranges, range)
  const added = found.filter(isNew)
  if (added.length === 0) return
  const logStart = layout.segments[0]?.start ?? 0
  const byStart = new Map(ranges.filter(({ to }) => to > logStart).map((range) => [range.from, range]))
  for (const { from, to, reason } of added) byStart.set(from, { from, to, reason, foundAtMs: nowMs })
  const kept = [...byStart.values()].sort((a, b) => a.from - b.from).slice(0, MOST_RANGES)
  const path = pathOf(layout)
  const temporary = `${path}.tmp`
  const descriptor = openSync(temporary, 'w')
  try {
    writeSync(descriptor, textOf(kept))
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, path)
  syncDirectory(layout.root)
}
