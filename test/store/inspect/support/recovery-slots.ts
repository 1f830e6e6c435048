import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { overwrite } from './sample-store.ts'

const SLOT_BYTES = 4096
const CRC_AT = 104

/** CRC-32C bit by bit: nothing of the code under test. */
export const bitwiseCrc32c = (bytes: Uint8Array): number => {
  let state = 0xffffffff
  for (const byte of bytes) {
    state ^= byte
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0)
  }
  return ~state >>> 0
}

/** Where fields stand in a slot of recovery-point. */
export const PointField = {
  SEQUENCE: 8,
  OFFSET: 16,
  LAST_RECORD: 24,
  CHECKSUMS_TO: 56,
  LOGIC_MS: 88,
} as const

const pointFile = (root: string): string => join(root, 'recovery-point')

/** The slot of the newest point. */
export const newestSlot = (root: string): number => {
  const bytes = readFileSync(pointFile(root))
  return bytes.readBigUInt64BE(PointField.SEQUENCE) > bytes.readBigUInt64BE(SLOT_BYTES + PointField.SEQUENCE) ? 0 : 1
}

export const pointField = (root: string, field: number, slot = newestSlot(root)): number =>
  Number(readFileSync(pointFile(root)).readBigInt64BE(slot * SLOT_BYTES + field))

/** Writes a copy of the newest point with other values into a slot, with the CRC that belongs to it. */
export const writePoint = (root: string, fields: Readonly<Record<number, number>>, slot = newestSlot(root)): void => {
  const from = newestSlot(root) * SLOT_BYTES
  const bytes = Buffer.from(readFileSync(pointFile(root)).subarray(from, from + CRC_AT + 4))
  for (const [at, value] of Object.entries(fields)) bytes.writeBigInt64BE(BigInt(value), Number(at))
  bytes.writeUInt32BE(bitwiseCrc32c(bytes.subarray(0, CRC_AT)), CRC_AT)
  overwrite(pointFile(root), slot * SLOT_BYTES, bytes)
}

/** Forgets what stands in a slot. */
export const blankSlot = (root: string, slot: number): void =>
  overwrite(pointFile(root), slot * SLOT_BYTES, Buffer.alloc(SLOT_BYTES))
