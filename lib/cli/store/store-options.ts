import { type Command, InvalidArgumentError, Option } from 'commander'
import { errorText } from '../../base/errors.ts'
import { lockForReading } from '../../store/directory-lock.ts'
import type { Progress } from '../../store/inspect/index.ts'

/** Exit codes of `apogeemq store`. */
export const ExitCode = {
  /** Done; nothing is wrong. */
  OK: 0,
  /** Damage was found, or is left. */
  DAMAGE: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** The store is in use, is none, or cannot be read; nothing was changed. */
  UNUSABLE: 3,
} as const

/** What every command of `apogeemq store` takes. */
export interface StoreFlags {
  readonly json?: boolean
  readonly progress?: boolean
  readonly commitlog?: string
  readonly segmentBytes?: number
}

/** A whole number from `least` on, for commander. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`)
    }
    return value
  }

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `messageDelayLevel` of a broker's properties, in milliseconds. */
export const delayLevels = (text: string): readonly number[] =>
  text
    .trim()
    .split(/\s+/)
    .map((level) => {
      const match = /^(\d+)([smhd])$/.exec(level)
      if (match === null) throw new InvalidArgumentError('It must be as messageDelayLevel: "1s 5s 10s".')
      return Number(match[1]) * UNIT_MS[match[2]!]!
    })

export const indexSlotsOption = (): Option =>
  new Option('--index-slots <n>', 'slots of an index file (maxHashSlotNum), where the files do not tell').argParser(
    wholeNumber(1),
  )

export const delayLevelsOption = (): Option =>
  new Option('--delay-levels <levels>', 'messageDelayLevel of the broker, where it is not the default').argParser(
    delayLevels,
  )

/** Options about the files that queues and index are made in. */
export const addEngineOptions = (command: Command): Command =>
  command
    .addOption(indexSlotsOption())
    .addOption(
      new Option('--index-items <n>', 'items of an index file (maxIndexNum), where the files do not tell').argParser(
        wholeNumber(1),
      ),
    )
    .addOption(
      new Option('--queue-file-bytes <bytes>', 'size of a queue file, where there is none that tells').argParser(
        wholeNumber(20),
      ),
    )
    .addOption(delayLevelsOption())

/** Adds a command with a store's directory as its argument and the options that all have. */
export const storeCommand = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .argument('<dir>', 'directory of the store (storePathRootDir); nobody may have it open')
    .option('--json', 'print JSON')
    .option('--progress', 'say how far it is on standard error also when that is no terminal')
    .option('--commitlog <dir>', 'directory of the CommitLog, where it is not DIR/commitlog')
    .addOption(
      new Option('--segment-bytes <bytes>', 'size of a CommitLog file, where the files do not tell').argParser(
        wholeNumber(4096),
      ),
    )

/** What the reading code takes of the flags. */
export const layoutOptions = ({ commitlog, segmentBytes }: StoreFlags) => ({ commitLogDir: commitlog, segmentBytes })

const SHOWN_EVERY_MS = 250

/** Shows progress on standard error: on a terminal, or when asked for. Undefined: nobody wants it. */
export const progressLine = ({ progress }: StoreFlags): ((at: Progress) => void) | undefined => {
  const { isTTY } = process.stderr
  if (!progress && !isTTY) return undefined
  let shownAt = 0
  let what = ''
  return (at) => {
    const now = performance.now()
    if (at.what === what && now - shownAt < SHOWN_EVERY_MS) return
    shownAt = now
    what = at.what
    const percent = at.totalBytes > 0 ? Math.min(100, Math.floor((at.doneBytes / at.totalBytes) * 100)) : 100
    const line = `${what}: ${(at.doneBytes / 2 ** 20).toFixed(0)} MiB, ${percent} %`
    process.stderr.write(isTTY ? `\r\u001b[K${line}` : `${line}\n`)
  }
}

/** Ends the line that {@link progressLine} has drawn. */
export const endProgress = (): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}

/**
 * Runs a command, answers with its exit code through `process.exitCode`; what the store or the system refused becomes
 * one line and {@link ExitCode.UNUSABLE}.
 */
export const runStoreCommand = async (action: () => number | Promise<number>): Promise<void> => {
  try {
    process.exitCode = await action()
  } catch (error) {
    const isRefusal = error instanceof Error && ('code' in error || 'syscall' in error)
    if (!isRefusal) throw error
    endProgress()
    process.stderr.write(`apogeemq: ${errorText(error)}\n`)
    process.exitCode = ExitCode.UNUSABLE
  }
}

/** Runs a command that reads while nobody can open the store. */
export const runReading = (dir: string, action: () => number | Promise<number>): Promise<void> =>
  runStoreCommand(async () => {
    using lock = lockForReading(dir)
    if (lock.unchecked !== undefined) {
      process.stderr.write(`apogeemq: whether the store is open could not be checked: ${lock.unchecked}\n`)
    }
    return await action()
  })

/** `value` as one JSON document. */
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

/** Time as people and scripts can read it; a dash for none. */
export const timeText = (ms: number | undefined): string => {
  if (ms === undefined || ms <= 0) return '-'
  return Math.abs(ms) > 8.64e15 ? String(ms) : new Date(ms).toISOString()
}

/** Bytes in the unit that fits. */
export const bytesText = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
