import { readFileSync, statSync } from 'node:fs'

const SECTOR_BYTES = 512
const WRITTEN_SECTORS_FIELD = 6
const KILOBYTE = 1024

/** The statistics file of the device below a directory, or why there is none. */
export type DeviceStat = { readonly file: string } | { readonly reason: string }

/** Finds the block device that holds `directory`. */
export const findDevice = (directory: string): DeviceStat => {
  if (process.platform !== 'linux') return { reason: 'device counters are read from /sys, which only Linux has' }
  const device = statSync(directory).dev
  // As makedev(3) packs them: minor numbers above 255 stand above the major number.
  const major = Math.floor(device / 256) & 0xfff
  const minor = (device & 0xff) | (Math.floor(device / 2 ** 12) & 0xfff00)
  const file = `/sys/dev/block/${major}:${minor}/stat`
  try {
    if (writtenBytes(file) >= 0) return { file }
    return { reason: `${file} has no counter of written sectors` }
  } catch {
    return { reason: `device ${major}:${minor} below ${directory} has no counters (memory or overlay file system)` }
  }
}

/** Bytes the device has written since it came up, by whomever; -1 when there is no such counter. */
export const writtenBytes = (statFile: string): number => {
  if (statFile === '') return -1
  const sectors = Number(readFileSync(statFile, 'utf8').trim().split(/\s+/)[WRITTEN_SECTORS_FIELD])
  return Number.isFinite(sectors) ? sectors * SECTOR_BYTES : -1
}

/** Microseconds of user and system time of all threads of this process. */
export const cpuUs = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Heap, stacks and buffers of this process in memory, in bytes; -1 when the system does not tell. */
export const anonymousBytes = (): number => {
  if (process.platform !== 'linux') return -1
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return kilobytes === undefined ? -1 : Number(kilobytes) * KILOBYTE
}
