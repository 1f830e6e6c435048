import type { Command } from 'commander'
import { type StoreStat, statStore, type TopicStat } from '../../store/inspect/index.ts'
import {
  bytesText,
  ExitCode,
  endProgress,
  layoutOptions,
  printJson,
  progressLine,
  runReading,
  type StoreFlags,
  storeCommand,
  timeText,
} from './store-options.ts'

interface StatFlags extends StoreFlags {
  readonly full?: boolean
}

const topicLines = ({ topic, messages, queues }: TopicStat): string[] => [
  `  ${topic}: ${messages} messages`,
  ...queues.map(({ queueId, minOffset, maxOffset }) => `    queue ${queueId}: offsets ${minOffset} to ${maxOffset}`),
]

const lines = (stat: StoreStat): string[] => {
  const { checkpoint, diskBytes } = stat
  return [
    `store         ${stat.store}, ${stat.wasClosed ? 'closed in order' : 'not closed in order (abort file)'}`,
    `log           ${stat.segments} segments of ${bytesText(stat.segmentBytes)}, physical offsets ${stat.logStart} to ${stat.logEnd}, ${bytesText(stat.logEnd - stat.logStart)} used`,
    `stored        ${timeText(stat.firstStoreTimestamp)} to ${timeText(stat.lastStoreTimestamp)}`,
    ...(stat.records === undefined
      ? []
      : [`records       ${stat.records}, ${stat.damagedRanges} damaged or missing ranges`]),
    `messages      ${stat.messages} in ${stat.topics.reduce((sum, { queues }) => sum + queues.length, 0)} queues of ${stat.topics.length} topics`,
    ...stat.topics.flatMap(topicLines),
    `index         ${stat.indexFiles} files, ${stat.indexItems} items`,
    checkpoint === undefined
      ? 'checkpoint    none'
      : `checkpoint    log ${timeText(checkpoint.physicalMs)}, queues ${timeText(checkpoint.logicMs)}, index ${timeText(checkpoint.indexMs)}`,
    `config        ${stat.configFiles.join(' ') || 'none'}`,
    `on the disk   log ${bytesText(diskBytes.log)}, queues ${bytesText(diskBytes.queues)}, index ${bytesText(diskBytes.index)}, checksums ${bytesText(diskBytes.checksums)}, recycled segments ${bytesText(diskBytes.recycled)}${diskBytes.extensions === 0 ? '' : `, extensions ${bytesText(diskBytes.extensions)}`}`,
    ...stat.removedTopics.map(
      ({ topic, belowOffset }) =>
        `removed       ${topic}, its messages below physical offset ${belowOffset} have no queue`,
    ),
    ...(stat.quarantinedRanges === 0 ? [] : [`quarantined   ${stat.quarantinedRanges} damaged ranges of the log`]),
    ...(stat.notChecked.length === 0 ? [] : [`not looked at ${stat.notChecked.join(' ')}`]),
  ]
}

/** `apogeemq store stat DIR`. */
export const addStatCommand = (store: Command): Command =>
  storeCommand(store, 'stat', 'Say what a store holds: log, topics and queues, index, checkpoint, disk use.')
    .option('--full', 'read every record instead of heads and tails')
    .action((dir: string, flags: StatFlags) =>
      runReading(dir, () => {
        const { full } = flags
        const stat = statStore(dir, { ...layoutOptions(flags), full, onProgress: progressLine(flags) })
        endProgress()
        if (flags.json) printJson(stat)
        else process.stdout.write(`${lines(stat).join('\n')}\n`)
        return ExitCode.OK
      }),
    )
