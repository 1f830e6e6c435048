import { setImmediate as turn } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { hostText } from '../../protocol/host-address.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { encodeOffsetMessageId } from '../../protocol/message-ids.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { type DumpFilter, type DumpStep, dumpStore, messageAt } from '../../store/inspect/index.ts'
import {
  ExitCode,
  layoutOptions,
  runReading,
  type StoreFlags,
  storeCommand,
  timeText,
  wholeNumber,
} from './store-options.ts'

type BodyForm = 'text' | 'hex' | 'base64' | 'none'

/** A store time or a physical offset. */
type Bound = { readonly ms: number } | { readonly offset: number }

interface DumpFlags extends StoreFlags {
  readonly topic?: string
  readonly queue?: number
  readonly tag?: string
  readonly key?: string
  readonly from?: Bound
  readonly to?: Bound
  readonly offset?: number
  readonly limit?: number
  readonly body: BodyForm
}

/** `1700000000000ms` and `2026-01-31T12:00:00Z` are times, a plain number is a physical offset. */
const bound = (text: string): Bound => {
  if (/^\d+ms$/.test(text)) return { ms: Number(text.slice(0, -2)) }
  if (/^\d+$/.test(text)) return { offset: Number(text) }
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It must be a time (2026-01-31T12:00:00Z, 1769860800000ms) or a physical offset.')
  return { ms }
}

const filterOf = ({ topic, queue: queueId, tag, key, from, to }: DumpFlags): DumpFilter => ({
  topic,
  queueId,
  tag,
  key,
  ...(from === undefined ? {} : 'ms' in from ? { fromMs: from.ms } : { fromOffset: from.offset }),
  ...(to === undefined ? {} : 'ms' in to ? { toMs: to.ms } : { toOffset: to.offset }),
})

const bodyText = (body: Buffer, form: BodyForm): string | undefined => {
  if (form === 'none') return undefined
  return body.toString(form === 'text' ? 'utf8' : form)
}

const jsonLine = (message: StoredMessage, form: BodyForm): string => {
  const { bornHost, storeHost, properties, body, ...facts } = message
  return JSON.stringify({
    messageId: encodeOffsetMessageId(storeHost, message.physicalOffset),
    ...facts,
    bornHost: hostText(bornHost),
    storeHost: hostText(storeHost),
    properties: Object.fromEntries(properties),
    bodyBytes: body.length,
    ...(form === 'none' ? {} : { body: bodyText(body, form), bodyForm: form }),
  })
}

const textLine = (message: StoredMessage, form: BodyForm): string => {
  const { topic, queueId, queueOffset, physicalOffset, storeTimestamp, properties, body } = message
  const tag = properties.get(PropertyName.TAGS)
  const keys = properties.get(PropertyName.KEYS)
  return [
    String(physicalOffset),
    timeText(storeTimestamp),
    `${topic}:${queueId} offset ${queueOffset}`,
    ...(tag === undefined ? [] : [`[${tag}]`]),
    ...(keys === undefined ? [] : [`(${keys})`]),
    `${body.length} B`,
    ...(form === 'none' ? [] : [bodyText(body, form)]),
  ].join(' ')
}

const TURN_EVERY = 256

function* steps(dir: string, flags: DumpFlags): Generator<DumpStep, void, undefined> {
  if (flags.offset === undefined) {
    yield* dumpStore(dir, filterOf(flags), layoutOptions(flags))
    return
  }
  const message = messageAt(dir, flags.offset, layoutOptions(flags))
  if (message !== undefined) yield { kind: 'message', message }
  else yield { kind: 'damage', from: flags.offset, to: undefined, reason: 'no good record begins here' }
}

const dump = async (dir: string, flags: DumpFlags): Promise<number> => {
  const { limit = Number.POSITIVE_INFINITY, body, json } = flags
  let isStopped = false
  // The reader of a pipe went away.
  process.stdout.once('error', () => {
    isStopped = true
  })
  let printed = 0
  let exitCode: number = ExitCode.OK
  for (const step of steps(dir, flags)) {
    if (isStopped || printed >= limit) break
    if (step.kind === 'damage') {
      const to = step.to === undefined ? '' : ` to ${step.to}`
      process.stderr.write(`apogeemq: damaged at physical offset ${step.from}${to}: ${step.reason}\n`)
      exitCode = ExitCode.DAMAGE
      continue
    }
    process.stdout.write(`${json ? jsonLine(step.message, body) : textLine(step.message, body)}\n`)
    printed += 1
    if (printed >= limit) break
    if (printed % TURN_EVERY === 0) await turn()
  }
  return exitCode
}

/** `apogeemq store dump DIR`. */
export const addDumpCommand = (store: Command): Command =>
  storeCommand(
    store,
    'dump',
    "Print messages in the log's order, one a line. Exit code 1: damaged places were passed over.",
  )
    .option('--topic <topic>', 'only messages of this topic')
    .option('--queue <id>', 'only messages of this queue', wholeNumber(0))
    .option('--tag <tag>', 'only messages with this tag')
    .option('--key <key>', 'only messages with this key or unique key')
    .option('--from <bound>', 'only messages stored at or after this time, or at or behind this physical offset', bound)
    .option('--to <bound>', 'only messages stored before this time, or in front of this physical offset', bound)
    .option('--offset <offset>', 'only the message at this physical offset', wholeNumber(0))
    .option('--limit <number>', 'at most so many messages', wholeNumber(1))
    .addOption(
      new Option('--body <form>', 'how to print bodies, as they are stored')
        .choices(['text', 'hex', 'base64', 'none'])
        .default('text'),
    )
    .action((dir: string, flags: DumpFlags) => runReading(dir, () => dump(dir, flags)))
