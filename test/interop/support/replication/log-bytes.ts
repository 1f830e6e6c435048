import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SEGMENT_NAME = /^\d{20}$/

/**
 * The commit log's bytes from one physical offset to another, as the segments have them.
 * @throws Error when a segment of the range is missing or short.
 */
export const readLogBytes = (storeDir: string, from: number, to: number): Buffer => {
  const folder = join(storeDir, 'commitlog')
  const bytes = Buffer.alloc(to - from)
  let next = from
  for (const name of readdirSync(folder).sort()) {
    if (!SEGMENT_NAME.test(name)) continue
    const path = join(folder, name)
    const start = Number(name)
    const end = Math.min(to, start + statSync(path).size)
    if (next < start || next >= end) continue
    const file = openSync(path, 'r')
    try {
      next += readSync(file, bytes, next - from, end - next, next - start)
    } finally {
      closeSync(file)
    }
  }
  if (next !== to) throw new Error(`${folder} ends at ${next}, not at ${to}`)
  return bytes
}

/** Offset of the first byte in which two stretches of the log differ, or undefined. */
export const firstDifference = (one: Buffer, other: Buffer, from: number): number | undefined => {
  if (one.equals(other)) return undefined
  const at = one.findIndex((byte, index) => byte !== other[index])
  return from + (at < 0 ? one.length : at)
}
