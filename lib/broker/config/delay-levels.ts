import { ApogeeError } from '../../base/errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Most levels the store takes. */
const MAX_LEVELS = 64

/**
 * Delay of each level in milliseconds, level 1 first, from `messageDelayLevel` (`1s 5s 10m`).
 * @throws {ApogeeError} `CONFIG_INVALID` naming the part that is no delay
 */
export const parseDelayLevels = (levels: string): readonly number[] => {
  const parts = levels.split(' ').filter((part) => part !== '')
  if (parts.length > MAX_LEVELS) {
    throw new ApogeeError('CONFIG_INVALID', `messageDelayLevel has ${parts.length} levels, more than ${MAX_LEVELS}`)
  }
  return parts.map((part) => {
    const match = /^(\d{1,9})([smhd])$/.exec(part)
    const unitMs = match === null ? undefined : UNIT_MS[match[2]!]
    if (match === null || unitMs === undefined) {
      throw new ApogeeError('CONFIG_INVALID', `messageDelayLevel: ${part} is no number followed by s, m, h or d`)
    }
    return Number(match[1]) * unitMs
  })
}
