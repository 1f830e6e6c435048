import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ENTRY_BYTES = 20
const MAX_EXT_ADDRESS = -2147483649n

/** A queue entry and the unit its address leads to; undefined for an entry with a tag code. */
export interface ExtendedEntry {
  readonly physicalOffset: number
  readonly unit: { readonly tagCode: bigint; readonly storeTimestampMs: number; readonly bitMap: Buffer } | undefined
}

const rowOf = (dir: string): { start: number; bytes: Buffer }[] =>
  existsSync(dir)
    ? readdirSync(dir)
        .sort()
        .map((name) => ({ start: Number(name), bytes: readFileSync(join(dir, name)) }))
    : []

const unitAt = (dir: string, offset: number): ExtendedEntry['unit'] => {
  const file = rowOf(dir).find(({ start, bytes }) => offset >= start && offset < start + bytes.length)
  if (file === undefined) throw new Error(`no file of ${dir} holds ${offset}`)
  const unit = file.bytes.subarray(offset - file.start)
  const size = unit.readInt16BE(0)
  const bitMapBytes = unit.readInt16BE(18)
  if (size !== ENTRY_BYTES + bitMapBytes) throw new Error(`no unit stands at ${offset} of ${dir}`)
  return {
    tagCode: unit.readBigInt64BE(2),
    storeTimestampMs: Number(unit.readBigInt64BE(10)),
    bitMap: unit.subarray(20, size),
  }
}

/** Every live entry of a topic's queues, with its unit. Throws when an address leads nowhere. */
export const readExtendedEntries = (storeDir: string, topic: string): ExtendedEntry[] => {
  const entries: ExtendedEntry[] = []
  for (const queue of readdirSync(join(storeDir, 'consumequeue', topic))) {
    for (const { bytes } of rowOf(join(storeDir, 'consumequeue', topic, queue))) {
      for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
        const physicalOffset = Number(bytes.readBigInt64BE(at))
        const sizeBytes = bytes.readInt32BE(at + 8)
        const tagCode = bytes.readBigInt64BE(at + 12)
        if (physicalOffset < 0 || sizeBytes <= 0 || sizeBytes === 0x7fffffff) continue
        const offset = Number(tagCode + 2n ** 63n)
        const unit =
          tagCode > MAX_EXT_ADDRESS ? undefined : unitAt(join(storeDir, 'consumequeue_ext', topic, queue), offset)
        entries.push({ physicalOffset, unit })
      }
    }
  }
  return entries
}
