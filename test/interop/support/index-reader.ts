import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An index file without its two kinds of time: what two brokers that got the same messages have in common. */
export interface IndexContent {
  readonly sizeBytes: number
  readonly beginPhysicalOffset: number
  readonly endPhysicalOffset: number
  readonly usedSlots: number
  /** One more than there are items. */
  readonly count: number
  /** Of every slot, the newest item's number; 0 for none. */
  readonly slots: readonly number[]
  readonly items: readonly { readonly keyHash: number; readonly physicalOffset: number; readonly previous: number }[]
}

const HEADER_BYTES = 40
const SLOT_BYTES = 4
const ITEM_BYTES = 20

/** Reads the index folder's files in the order of their names, which are times. */
export const readIndexFiles = (folder: string, slotCount: number): readonly IndexContent[] =>
  readdirSync(folder)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, name))
      const count = bytes.readInt32BE(36)
      const itemsAt = HEADER_BYTES + slotCount * SLOT_BYTES
      return {
        sizeBytes: bytes.length,
        beginPhysicalOffset: Number(bytes.readBigInt64BE(16)),
        endPhysicalOffset: Number(bytes.readBigInt64BE(24)),
        usedSlots: bytes.readInt32BE(32),
        count,
        slots: Array.from({ length: slotCount }, (_, slot) => bytes.readInt32BE(HEADER_BYTES + slot * SLOT_BYTES)),
        items: Array.from({ length: Math.max(0, count - 1) }, (_, item) => {
          const at = itemsAt + (item + 1) * ITEM_BYTES
          return {
            keyHash: bytes.readInt32BE(at),
            physicalOffset: Number(bytes.readBigInt64BE(at + 4)),
            previous: bytes.readInt32BE(at + 16),
          }
        }),
      }
    })
