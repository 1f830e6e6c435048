/** Permission bits of topics and brokers. */
export const PERM_PRIORITY = 8
export const PERM_READ = 4
export const PERM_WRITE = 2
/** A topic created at its first message may take its settings from this one. */
export const PERM_INHERIT = 1

export const isReadable = (perm: number): boolean => (perm & PERM_READ) !== 0
export const isWriteable = (perm: number): boolean => (perm & PERM_WRITE) !== 0
export const isInherited = (perm: number): boolean => (perm & PERM_INHERIT) !== 0

/** Text form of permission bits: `RWX` with `-` for what is missing. */
export const permText = (perm: number): string =>
  (isReadable(perm) ? 'R' : '-') + (isWriteable(perm) ? 'W' : '-') + (isInherited(perm) ? 'X' : '-')
