import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import { PushConsumer, type ReceivedMessage } from '../client/index.ts'
import { cliLogger, nameServersOf, namesrvOption } from './produce.ts'
import { failStart } from './start-failure.ts'
import { addTlsOptions, type TlsFlags, tlsOf } from './tls-flags.ts'

const DEFAULT_GROUP = 'apogeemq-cli'

interface ConsumeFlags extends TlsFlags {
  readonly group?: string
  readonly tag: string
  readonly fromBeginning?: boolean
  readonly count?: number
  readonly json?: boolean
  readonly namesrv: string
}

const positiveInteger = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}

const textLine = ({ queue, queueOffset, tag, body }: ReceivedMessage): string =>
  `${queue.brokerName}:${queue.queueId} offset ${queueOffset}${tag === undefined ? '' : ` [${tag}]`} ${body}\n`

const jsonLine = (message: ReceivedMessage): string => {
  const { body, properties, ...facts } = message
  const content = isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') }
  return `${JSON.stringify({ ...facts, ...content, properties: Object.fromEntries(properties) })}\n`
}

/** A group of its own has no offsets yet, so that it begins where it is told to. */
const groupOf = ({ group, fromBeginning }: ConsumeFlags): string => {
  if (group !== undefined) return group
  return fromBeginning ? `${DEFAULT_GROUP}-${randomBytes(4).toString('hex')}` : DEFAULT_GROUP
}

const consume = async (topic: string, flags: ConsumeFlags): Promise<void> => {
  const { count = Number.POSITIVE_INFINITY, json = false, fromBeginning = false, namesrv, tag } = flags
  let isStopping = false
  try {
    const consumer = new PushConsumer({
      group: groupOf(flags),
      nameServers: nameServersOf(namesrv),
      tls: tlsOf(flags),
      consumeFrom: fromBeginning ? 'first' : 'last',
      // One after the other, so that exactly `count` messages are taken.
      concurrency: 1,
      logger: cliLogger,
    })
    const stop = (): void => {
      isStopping = true
      consumer.stop().catch((error: unknown) => failStart(error, new Map()))
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    // The reader of a pipe went away.
    process.stdout.once('error', stop)
    consumer.subscribe(topic, tag)
    let printed = 0
    await consumer.start((message) => {
      process.stdout.write(json ? jsonLine(message) : textLine(message))
      printed += 1
      if (printed >= count) stop()
    })
  } catch (error) {
    // A start that is interrupted fails.
    if (isStopping) return
    failStart(error, new Map())
  }
}

/** `apogeemq consume TOPIC`. */
export const addConsumeCommand = (program: Command): Command =>
  addTlsOptions(
    program.command('consume').description('Print the messages of a topic as they come, until interrupted.'),
  )
    .argument('<topic>')
    .option('--group <group>', `consumer group (default: "${DEFAULT_GROUP}", or a new one with --from-beginning)`)
    .option('--tag <expression>', 'only messages with one of these tags: "A || B"', '*')
    .option('--from-beginning', 'where the group has no offset yet, begin at the oldest message')
    .option('--count <number>', 'stop after this many messages', positiveInteger)
    .option('--json', 'print one JSON object a line')
    .addOption(namesrvOption())
    .action(consume)
