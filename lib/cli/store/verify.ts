import type { Command } from 'commander'
import { type Finding, type VerifyReport, verifyStore } from '../../store/inspect/index.ts'
import {
  delayLevelsOption,
  ExitCode,
  endProgress,
  indexSlotsOption,
  layoutOptions,
  printJson,
  progressLine,
  runReading,
  type StoreFlags,
  storeCommand,
} from './store-options.ts'

interface VerifyFlags extends StoreFlags {
  readonly delayLevels?: readonly number[]
  readonly indexSlots?: number
}

/** `error LOG_DAMAGED commitlog/00000000000000000000:4711: why`. */
export const findingLine = ({ severity, code, file, position, physicalOffset, message }: Finding): string => {
  const place = position === undefined ? '' : `:${position}`
  const record = physicalOffset === undefined ? '' : ` (physical offset ${physicalOffset})`
  return `${severity} ${code} ${file}${place}: ${message}${record}`
}

/** What was looked at and how much was found. */
export const summaryLines = (report: VerifyReport): string[] => [
  `${report.records} records in ${report.segments} segments, ${report.queueEntries} entries in ${report.queues} queues` +
    ` (${report.expiredQueueEntries} of messages no longer in the log${report.quarantinedRanges.length > 0 ? ' or quarantined' : ''}), ${report.indexItems} items in ${report.indexFiles} index files,` +
    ` ${report.configFiles} configuration files`,
  ...(report.notChecked.length === 0 ? [] : [`not checked: ${report.notChecked.join(' ')}`]),
  ...(report.unlisted === 0 ? [] : [`${report.unlisted} more findings of these kinds are not listed`]),
  `${report.isClean ? 'clean' : 'DAMAGED'}: ${report.counts.error} errors, ${report.counts.warning} warnings, ${report.counts.note} notes`,
]

/** `apogeemq store verify DIR`. */
export const addVerifyCommand = (store: Command): Command =>
  storeCommand(
    store,
    'verify',
    'Check every record, queue entry and index item, the checkpoint and the configuration files. Exit code 1: damage.',
  )
    .addOption(delayLevelsOption())
    .addOption(indexSlotsOption())
    .action((dir: string, flags: VerifyFlags) =>
      runReading(dir, () => {
        const { delayLevels: delayLevelsMs, indexSlots } = flags
        const options = { ...layoutOptions(flags), delayLevelsMs, indexSlots, onProgress: progressLine(flags) }
        const report = verifyStore(dir, options)
        endProgress()
        if (flags.json) printJson(report)
        else process.stdout.write(`${[...report.findings.map(findingLine), ...summaryLines(report)].join('\n')}\n`)
        return report.isClean ? ExitCode.OK : ExitCode.DAMAGE
      }),
    )
