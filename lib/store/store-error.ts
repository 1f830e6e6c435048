import { ApogeeError, type ErrorFacts } from '../base/errors.ts'

/**
 * Codes of {@link StoreError}. All but the two `STORE_ADDON_*` are `STORE_` and the engine's own status name.
 *
 * | code | meaning |
 * |---|---|
 * | `STORE_INVALID_ARGUMENT` | a value is off; nothing was done |
 * | `STORE_NOT_FOUND` | a file or directory that must exist does not; the log begins behind the offset |
 * | `STORE_CLOSED` | the store is closing or closed |
 * | `STORE_LOCKED` | another process has the directory |
 * | `STORE_READ_ONLY` | an earlier sync or write failed; `cause` is that first failure |
 * | `STORE_NO_SPACE` | the device is full; nothing was written |
 * | `STORE_IO_ERROR` | the file system refused; the message names call, file and reason |
 * | `STORE_CORRUPTION` | bytes on disk are not what the format says |
 * | `STORE_TOO_LARGE` | body, properties or record over the limit |
 * | `STORE_TIMEOUT` | a bounded wait ended without its result |
 * | `STORE_BUSY` | no room in memory right now; nothing was written |
 * | `STORE_READ_ONLY_FILE_SYSTEM` | the file system is mounted read-only, or the kernel made it so after an error |
 * | `STORE_TOO_MANY_FILES` | the process or the system has no file descriptor left (`ulimit -n`); nothing was done |
 * | `STORE_MAP_LIMIT` | the process cannot have another mapping (`vm.max_map_count`); nothing was done |
 * | `STORE_ADDON_MISSING` | the native part was not built |
 * | `STORE_ADDON_MISMATCH` | the native part was built from other sources than this file |
 */
export type StoreErrorCode =
  | 'STORE_INVALID_ARGUMENT'
  | 'STORE_NOT_FOUND'
  | 'STORE_CLOSED'
  | 'STORE_LOCKED'
  | 'STORE_READ_ONLY'
  | 'STORE_NO_SPACE'
  | 'STORE_IO_ERROR'
  | 'STORE_CORRUPTION'
  | 'STORE_TOO_LARGE'
  | 'STORE_TIMEOUT'
  | 'STORE_BUSY'
  | 'STORE_READ_ONLY_FILE_SYSTEM'
  | 'STORE_TOO_MANY_FILES'
  | 'STORE_MAP_LIMIT'
  | 'STORE_ADDON_MISSING'
  | 'STORE_ADDON_MISMATCH'

const retryableCodes: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'STORE_LOCKED',
  'STORE_NO_SPACE',
  'STORE_TIMEOUT',
  'STORE_BUSY',
  'STORE_TOO_MANY_FILES',
  'STORE_MAP_LIMIT',
])

/** What the store throws and rejects with. `retryable` is true for a lock, a timeout, full memory and a shortage: space, files, maps. */
export class StoreError extends ApogeeError {
  declare readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, { retryable: retryableCodes.has(code), ...facts })
  }
}

/** The error of every call on a store that is closing or closed. */
export const storeClosed = (): StoreError => new StoreError('STORE_CLOSED', 'the store is closed')
