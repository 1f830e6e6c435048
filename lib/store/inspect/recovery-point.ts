import { readFileSync, statSync } from 'node:fs'
import { readInt64 } from '../../protocol/int64.ts'
import { crc32c } from './crc32c.ts'
import type { LogRange } from './damage.ts'
import type { Findings } from './findings.ts'
import type { StoreLayout } from './layout.ts'
import { LogReader } from './log-reader.ts'
import { type CheckpointTimes, readCheckpoint } from './small-files.ts'

const NAME = 'recovery-point'
const MAGIC = Buffer.from('APOGEE01', 'latin1')
const POINT_BYTES = 108
const CRC_AT = POINT_BYTES - 4
const SLOT_BYTES = 4096
const SLOTS = 2
const WORD_BYTES = 8

/** What the engine knew to be on the device. Offsets are physical. */
export interface RecoveryPoint {
  readonly slot: number
  /** Of two points the higher one counts. */
  readonly sequence: number
  /** A record ends here, or its segment. */
  readonly offset: number
  /** The last record in front of `offset`; -1 without one. */
  readonly lastRecord: number
  readonly lastChecksum: number
  /** Records of this range have checksums that are to be trusted. */
  readonly checksums: LogRange
  /** What the checkpoint says since then. */
  readonly times: CheckpointTimes
}

type Slot =
  | { readonly kind: 'empty' }
  | { readonly kind: 'torn' }
  | { readonly kind: 'point'; readonly point: RecoveryPoint }

const decode = (bytes: Buffer, slot: number): Slot => {
  if (bytes.every((byte) => byte === 0)) return { kind: 'empty' }
  const isWhole = bytes.length === POINT_BYTES && bytes.subarray(0, WORD_BYTES).equals(MAGIC)
  if (!isWhole || bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(0, CRC_AT))) return { kind: 'torn' }
  const point = {
    slot,
    sequence: readInt64(bytes, 8),
    offset: readInt64(bytes, 16),
    lastRecord: readInt64(bytes, 24),
    lastChecksum: bytes.readUInt32BE(32),
    checksums: { from: readInt64(bytes, 48), to: readInt64(bytes, 56) },
    times: { physicalMs: readInt64(bytes, 80), logicMs: readInt64(bytes, 88), indexMs: readInt64(bytes, 96) },
  }
  return point.offset >= 0 ? { kind: 'point', point } : { kind: 'torn' }
}

const readSlots = (path: string): Slot[] => {
  const bytes = statSync(path).size <= SLOTS * SLOT_BYTES ? readFileSync(path) : Buffer.alloc(0)
  return Array.from({ length: SLOTS }, (_, slot) =>
    decode(bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + POINT_BYTES), slot),
  )
}

/** Why a point does not speak of this log; undefined when it does. */
const misfit = (layout: StoreLayout, log: LogReader, { offset, lastRecord, lastChecksum }: RecoveryPoint) => {
  if (offset === 0) return lastRecord < 0 ? undefined : `names the record at ${lastRecord} in front of offset 0`
  const last = layout.segments.at(-1)
  if (last === undefined || offset > last.start + layout.segmentBytes) return 'lies behind the log'
  const read = lastRecord < 0 ? undefined : log.at(lastRecord, true)
  if (read?.kind !== 'record')
    return `names as the record in front of it the one at ${lastRecord}, where no good one is`
  const { record } = read
  if (log.checksum(record) !== lastChecksum) return `names the record at ${lastRecord}, which is not what it was`
  const end = lastRecord + record.sizeBytes
  if (end === offset) return undefined
  const segmentEnd = lastRecord - record.position + layout.segmentBytes
  const isAtEnd = offset === segmentEnd && (segmentEnd - end < WORD_BYTES || log.at(end)?.kind === 'blank')
  return isAtEnd ? undefined : `is no record boundary: the record at ${lastRecord} ends at ${end}`
}

/** The records whose checksums the engine trusts when it starts from this point. */
export const trustedBy = (point: RecoveryPoint | undefined): LogRange | undefined =>
  point === undefined ? undefined : { from: point.checksums.from, to: Math.min(point.checksums.to, point.offset) }

/** The points of a store, newest first, and which of them counts. */
export class RecoveryPoints {
  readonly #layout: StoreLayout
  readonly #slots: readonly Slot[]
  readonly #points: readonly {
    readonly point: RecoveryPoint
    readonly isCurrent: boolean
    readonly misfit?: string | undefined
  }[]

  constructor(layout: StoreLayout) {
    this.#layout = layout
    this.#slots = layout.recoveryPoint === undefined ? [] : readSlots(layout.recoveryPoint)
    const none = { physicalMs: 0, logicMs: 0, indexMs: 0 }
    const times = (layout.checkpoint === undefined ? undefined : readCheckpoint(layout.checkpoint)) ?? none
    using log = new LogReader(layout)
    this.#points = this.#slots
      .flatMap((slot) => (slot.kind === 'point' ? [slot.point] : []))
      .sort((a, b) => b.sequence - a.sequence)
      .map((point) => ({ point, isCurrent: isSame(point.times, times), misfit: misfit(layout, log, point) }))
  }

  /** The point that the engine starts from; undefined when it goes by the checkpoint's times, or from the beginning. */
  get found(): RecoveryPoint | undefined {
    return this.#points.find(({ isCurrent, misfit }) => isCurrent && misfit === undefined)?.point
  }

  /** Both slots, and the points against checkpoint and log. */
  check(findings: Findings): void {
    if (this.#layout.recoveryPoint === undefined) return
    const { size } = statSync(this.#layout.recoveryPoint)
    if (size !== SLOTS * SLOT_BYTES) {
      findings.add('warning', 'RECOVERY_POINT', NAME, `the file has ${size} bytes instead of ${SLOTS * SLOT_BYTES}`)
    }
    for (const [slot, { kind }] of this.#slots.entries()) {
      if (kind !== 'torn') continue
      const message = `slot ${slot} does not match its CRC: its write was torn, and it does not count`
      findings.add('warning', 'RECOVERY_POINT', NAME, message, { position: slot * SLOT_BYTES })
    }
    this.#sequences(findings)
    this.#fits(findings)
  }

  #sequences(findings: Findings): void {
    for (const { point } of this.#points) {
      if (point.sequence % SLOTS === point.slot) continue
      const message = `slot ${point.slot} has sequence number ${point.sequence}, which belongs into the other one`
      findings.add('warning', 'RECOVERY_POINT', NAME, message, { position: point.slot * SLOT_BYTES })
    }
  }

  #fits(findings: Findings): void {
    // An older point may speak of a log's end that was cut since then.
    let isNewest = true
    for (const { point, isCurrent, misfit } of this.#points) {
      if (misfit !== undefined) {
        const message = `the point of slot ${point.slot} (sequence ${point.sequence}) ${misfit}`
        const where = { position: point.slot * SLOT_BYTES, physicalOffset: point.offset }
        findings.add(isCurrent && isNewest ? 'error' : 'note', 'RECOVERY_POINT', NAME, message, where)
      }
      if (isCurrent) isNewest = false
    }
    if (isNewest && this.#points.length > 0) {
      const message = 'the checkpoint has other times: another program has written it since, and no point counts'
      findings.add('note', 'RECOVERY_POINT', NAME, message)
    }
  }
}

const isSame = (a: CheckpointTimes, b: CheckpointTimes): boolean =>
  a.physicalMs === b.physicalMs && a.logicMs === b.logicMs && a.indexMs === b.indexMs
