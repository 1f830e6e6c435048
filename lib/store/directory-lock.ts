import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadAddon } from './native-addon.ts'
import { StoreError } from './store-error.ts'

/** The lock of an open store, held. While it is, nothing in this process may open and close ROOT/lock. */
export interface DirectoryLock extends Disposable {
  /** Gives the lock back; nothing when that was done. */
  release(): void
}

const lock = (rootDir: string): DirectoryLock => {
  const addon = loadAddon()
  const token = addon.lockDirectory(rootDir, (code, message) => new StoreError(code, message))
  const release = (): void => addon.unlockDirectory(token)
  return { release, [Symbol.dispose]: release }
}

/**
 * Takes the lock that a store, ours or Java's, holds on its directory while it is open.
 * @throws {StoreError} `STORE_LOCKED` while it is open, `STORE_IO_ERROR`, `STORE_ADDON_MISSING`
 */
export const lockDirectory = (rootDir: string): DirectoryLock => lock(rootDir)

/** What became of a lock for reading. */
export interface ReadLock extends Disposable {
  /** Why nobody can say whether the store is open; undefined when it is closed. */
  readonly unchecked: string | undefined
}

/**
 * As {@link lockDirectory} for a reader, who changes nothing: without a lock file nobody has the store open. Where the
 * lock cannot be tried (no addon, no permission) the reader goes on and `unchecked` says why.
 * @throws {StoreError} `STORE_LOCKED` while the store is open
 */
export const lockForReading = (rootDir: string): ReadLock => {
  const nothing = (unchecked?: string): ReadLock => ({ unchecked, [Symbol.dispose]: () => undefined })
  if (!existsSync(join(rootDir, 'lock'))) return nothing()
  try {
    const held = lock(rootDir)
    return { unchecked: undefined, [Symbol.dispose]: () => held.release() }
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'STORE_LOCKED') throw error
    return nothing(error.message)
  }
}
