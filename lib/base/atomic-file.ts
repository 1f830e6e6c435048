import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ApogeeError } from './errors.ts'

/** A file that could be neither read nor replaced by its previous generation. Not retryable. */
export class FileError extends ApogeeError {}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const writeSynced = async (path: string, text: string): Promise<void> => {
  const file = await open(path, 'wx', 0o644)
  try {
    await file.writeFile(text, 'utf8')
    await file.sync()
  } finally {
    await file.close()
  }
}

const isWithoutLinks = (error: unknown): boolean =>
  ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Makes `backup` a second name of the current file (a copy where the file system has no links), never a partial one. */
const keepPrevious = async (path: string, backup: string, scratch: string): Promise<void> => {
  try {
    await link(path, scratch).catch((error) => {
      if (!isWithoutLinks(error)) throw error
      return copyFile(path, scratch)
    })
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  await rename(scratch, backup)
}

/** Writes of one path in order: the last caller's text wins. Empty again when all have ended. */
const writesInFlight = new Map<string, Promise<void>>()

const replace = async (path: string, text: string): Promise<void> => {
  const scratch = `${path}.${randomUUID()}.tmp`
  const directory = dirname(path)
  await mkdir(directory, { recursive: true })
  try {
    await writeSynced(scratch, text)
    await keepPrevious(path, `${path}.bak`, `${scratch}.bak`)
    await rename(scratch, path)
    await syncDirectory(directory)
  } catch (error) {
    await rm(scratch, { force: true })
    await rm(`${scratch}.bak`, { force: true })
    throw error
  }
}

/**
 * Replaces a text file so that a crash at any point leaves the old text or the new, never a mixture: temporary file,
 * sync, rename, directory sync. The text before is kept as `path.bak`. Missing directories are made. Resolved = on the
 * device. Concurrent calls for one path take effect in call order.
 * @throws the system's error (`code` such as ENOSPC); the file is then unchanged.
 */
export const writeAtomically = (path: string, text: string): Promise<void> => {
  const before = writesInFlight.get(path) ?? Promise.resolve()
  const write = before.catch(() => undefined).then(() => replace(path, text))
  writesInFlight.set(path, write)
  const forget = (): void => {
    if (writesInFlight.get(path) === write) writesInFlight.delete(path)
  }
  write.then(forget, forget)
  return write
}

const readGeneration = async <T>(path: string, parse: (text: string) => T): Promise<{ value: T } | undefined> => {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  if (text.trim() === '') throw new FileError('FILE_EMPTY', `${path} is empty`)
  return { value: parse(text) }
}

/**
 * Reads a file written by `writeAtomically` (or by Java, which leaves the same `.bak`): when the file is missing, empty
 * or refused by `parse`, the previous generation is taken.
 * @param parse throws when the text is not valid
 * @returns undefined when neither generation exists
 * @throws {FileError} `FILE_UNREADABLE` when something exists and none of it can be read; nothing has been changed.
 */
export const readWithBackup = async <T>(path: string, parse: (text: string) => T): Promise<T | undefined> => {
  const failures: unknown[] = []
  for (const generation of [path, `${path}.bak`]) {
    try {
      const read = await readGeneration(generation, parse)
      if (read !== undefined) return read.value
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length === 0) return undefined
  throw new FileError('FILE_UNREADABLE', `neither ${path} nor ${path}.bak can be read`, { cause: failures[0] })
}
