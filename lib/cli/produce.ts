import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import type { Logger } from '../base/logging.ts'
import { type OutgoingMessage, Producer, type SendResult } from '../client/index.ts'
import { exitWith } from './run-server.ts'
import { failStart } from './start-failure.ts'
import { addTlsOptions, type TlsFlags, tlsOf } from './tls-flags.ts'

const DEFAULT_GROUP = 'apogeemq-cli'

interface ProduceFlags extends TlsFlags {
  readonly body?: string
  readonly tag?: string
  readonly key: readonly string[]
  readonly property: readonly string[]
  readonly namesrv: string
  readonly group: string
}

/** One line on standard error for what a user of the command may want to know. */
export const cliLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_, message) => void process.stderr.write(`apogeemq: ${message}\n`),
  error: (_, message) => void process.stderr.write(`apogeemq: ${message}\n`),
  child: () => cliLogger,
}

/** `--namesrv`: as many addresses as wanted, with the default of the Java clients. */
export const namesrvOption = (): Option =>
  new Option('--namesrv <addresses>', 'name servers, separated by semicolons')
    .env('NAMESRV_ADDR')
    .default('127.0.0.1:9876')

export const nameServersOf = (text: string): string[] =>
  text
    .split(/[;,]/)
    .map((address) => address.trim())
    .filter((address) => address !== '')

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value]

const propertiesOf = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) exitWith(`apogeemq: --property takes name=value, not ${pair}`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

const resultLine = ({ status, messageId, queue, queueOffset }: SendResult): string =>
  `${status} ${messageId} ${queue.brokerName}:${queue.queueId} offset ${queueOffset}\n`

async function* bodies(given: string | undefined): AsyncGenerator<string> {
  if (given !== undefined) {
    yield given
    return
  }
  if (process.stdin.isTTY) process.stderr.write('apogeemq: one message a line; end with Ctrl-D\n')
  for await (const line of createInterface({ input: process.stdin })) if (line !== '') yield line
}

const produce = async (topic: string, flags: ProduceFlags): Promise<void> => {
  const { group, namesrv, tag, key: keys, property } = flags
  const facts: Omit<OutgoingMessage, 'body'> = {
    topic,
    keys,
    properties: propertiesOf(property),
    ...(tag === undefined ? {} : { tag }),
  }
  try {
    await using producer = new Producer({
      group,
      nameServers: nameServersOf(namesrv),
      tls: tlsOf(flags),
      logger: cliLogger,
    })
    await producer.start()
    for await (const body of bodies(flags.body)) {
      process.stdout.write(resultLine(await producer.send({ ...facts, body: Buffer.from(body) })))
    }
  } catch (error) {
    failStart(error, new Map())
  }
}

/** `apogeemq produce TOPIC`. */
export const addProduceCommand = (program: Command): Command =>
  addTlsOptions(
    program.command('produce').description('Send messages: the text of --body, or each line of standard input.'),
  )
    .argument('<topic>')
    .option('--body <text>', 'send this one message')
    .option('--tag <tag>', 'tag of the messages')
    .option('--key <key>', 'key of the messages; may be given several times', collect, [])
    .option('--property <name=value>', 'property of the messages; may be given several times', collect, [])
    .addOption(namesrvOption())
    .option('--group <group>', 'producer group', DEFAULT_GROUP)
    .action(produce)
