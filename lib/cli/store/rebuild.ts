import type { Command } from 'commander'
import { rebuildStore } from '../../store/inspect/index.ts'
import {
  addEngineOptions,
  ExitCode,
  endProgress,
  layoutOptions,
  printJson,
  progressLine,
  runStoreCommand,
  type StoreFlags,
  storeCommand,
} from './store-options.ts'
import { findingLine, summaryLines } from './verify.ts'

/** Flags of the commands that let the engine make files. */
export interface EngineFlags extends StoreFlags {
  readonly delayLevels?: readonly number[]
  readonly indexSlots?: number
  readonly indexItems?: number
  readonly queueFileBytes?: number
}

export const engineOptions = (flags: EngineFlags) => ({
  ...layoutOptions(flags),
  delayLevelsMs: flags.delayLevels,
  indexSlots: flags.indexSlots,
  indexItems: flags.indexItems,
  queueFileBytes: flags.queueFileBytes,
  onProgress: progressLine(flags),
})

interface RebuildFlags extends EngineFlags {
  readonly keepOld?: boolean
}

/** `apogeemq store rebuild DIR`. */
export const addRebuildCommand = (store: Command): Command =>
  addEngineOptions(
    storeCommand(store, 'rebuild', 'Make consumequeue/ and index/ anew from the log, and verify the store.'),
  )
    .option('--keep-old', 'leave the old files in DIR/aside-N')
    .action((dir: string, flags: RebuildFlags) =>
      runStoreCommand(async () => {
        const report = await rebuildStore(dir, { ...engineOptions(flags), keepOld: flags.keepOld })
        endProgress()
        if (flags.json) printJson(report)
        else {
          const { after, aside, keptQueues, recovery } = report
          const lines = [
            ...recovery.notes,
            ...after.findings.map(findingLine),
            ...keptQueues.map((queue) => `${queue} was left as it is: the log holds none of its messages any more`),
            ...summaryLines(after),
            aside === undefined ? 'rebuilt; the old files are deleted' : `rebuilt; the old files are in ${aside}`,
          ]
          process.stdout.write(`${lines.join('\n')}\n`)
        }
        return report.after.isClean ? ExitCode.OK : ExitCode.DAMAGE
      }),
    )
