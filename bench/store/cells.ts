import type { BenchOptions, WritePath } from './options.ts'
import type { FlushMode, Load, SystemName } from './rows.ts'

/** One system under one load. */
export interface Cell {
  readonly system: SystemName
  readonly writePath: string
  readonly flush: FlushMode
  readonly load: Load
  readonly senders: number
  readonly bodyBytes: number
}

const LONG_LOAD_BODY_BYTES = 1024

/** Write paths that begin on a segment which is all made ready. */
export const isWarm = (writePath: string): boolean => writePath.endsWith('-warm')

/** How the systems write that have one way only. */
const onlyWritePath = {
  'java-like': 'mmap',
  lmdb: 'b-tree',
  'classic-level': 'lsm',
  'better-sqlite3': 'wal',
  fs: 'writev',
  device: 'pwrite',
} as const

/**
 * The pool acknowledges what is in memory only: it has no durable form. The paths that begin with a segment made ready are
 * forms of the durable ones, and only the driver can wait for that.
 */
const fits = (system: SystemName, path: WritePath, flush: FlushMode): boolean => {
  if (path === 'pool') return flush === 'async'
  if (isWarm(path)) return flush === 'sync' && system === 'apogee-engine'
  return true
}

/** Systems with a loop of their own for this load. Writes that nothing follows have no latency at a fixed rate. */
const canRun = (system: SystemName, load: Load): boolean =>
  load === 'closed' ||
  system === 'apogee-engine' ||
  system === 'java-like' ||
  (system === 'apogee-node' && load !== 'paced') ||
  (system === 'device' && load === 'sustained')

const pathsOf = (
  system: SystemName,
  flush: FlushMode,
  wanted: readonly WritePath[],
  known: readonly string[],
): string[] =>
  system === 'apogee-engine' || system === 'apogee-node'
    ? wanted.filter((path) => known.includes(path) && fits(system, path, flush))
    : [onlyWritePath[system]]

/** A load and those who run it, one after the other. */
export type CellGroup = readonly Cell[]

/** Every load that the options ask for, with the systems that can run it. `known`: write paths the engine has. */
export const cellGroups = (options: BenchOptions, known: readonly string[]): CellGroup[] => {
  const groups: CellGroup[] = []
  const add = (load: Load, flush: FlushMode, senders: number, bodyBytes: number): void => {
    const group = options.systems
      .filter((system) => canRun(system, load))
      .flatMap((system) =>
        pathsOf(system, flush, options.writePaths, known).map((writePath) => ({
          system,
          writePath,
          flush,
          load,
          senders,
          bodyBytes,
        })),
      )
    if (group.length > 0) groups.push(group)
  }
  for (const load of options.loads) {
    if (load !== 'closed') {
      add(load, 'async', 1, LONG_LOAD_BODY_BYTES)
      continue
    }
    for (const flush of options.flushModes)
      for (const bodyBytes of options.bodyBytes)
        for (const senders of options.senders) add(load, flush, senders, bodyBytes)
  }
  return groups
}

/** Who is measured, as it is shown: the system and, where it has several, its write path. */
export const systemLabel = (cell: { readonly system: SystemName; readonly writePath: string }): string =>
  cell.system.startsWith('apogee') ? `${cell.system} ${cell.writePath}` : cell.system

/** A body size as people write it. */
export const bodyLabel = (bytes: number): string => (bytes % 1024 === 0 ? `${bytes / 1024} KB` : `${bytes} B`)
