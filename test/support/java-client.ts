import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientVersion, classPath } from './java-projects.ts'
import { PeerProcess } from './peer-process.ts'

/** A message as given to the Java client. */
export interface OutgoingMessage {
  readonly body: Buffer
  readonly tags?: string
  /** Separated by blanks. */
  readonly keys?: string
  readonly flag?: number
  /** Set by setDelayTimeLevel. */
  readonly delayLevel?: number
  /** Set by setWaitStoreMsgOK: whether the send waits for the disk and for a slave. Default true. */
  readonly waitStoreMsgOk?: boolean
  /** Set as UNIQ_KEY instead of the client's own. */
  readonly uniqKey?: string
  readonly properties?: Readonly<Record<string, string>>
}

/** A message as the Java client hands it to an application. */
export interface ReceivedMessage {
  readonly topic: string
  /** Base64, after decompression. */
  readonly body: string
  readonly bodyCrc: number
  readonly flag: number
  readonly sysFlag: number
  readonly tags?: string
  readonly keys?: string
  readonly properties: Readonly<Record<string, string>>
  readonly brokerName?: string
  readonly queueId: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly storeSizeBytes: number
  readonly reconsumeTimes: number
  readonly bornTimestampMs: number
  readonly storeTimestampMs: number
  /** IP address, a bar, port. */
  readonly bornHost: string
  /** IP address, a bar, port. */
  readonly storeHost: string
  readonly msgId: string
  readonly offsetMsgId: string
}

/** A message as a push consumer's listener got it. */
export interface CollectedMessage extends ReceivedMessage {
  readonly arrivedAtMs: number
  /** Grows with every begin and end of a delivery to any push consumer of one JVM. */
  readonly beginStep: number
  readonly endStep: number
  /** Whether the listener asked for another delivery. */
  readonly refused: boolean
}

export interface Subscription {
  readonly topic: string
  /** Tags; default none: then `sql` is needed. */
  readonly expression?: string
  readonly sql?: string
}

/** What a push consumer may be given beside its topic. */
export interface PushSettings {
  /** Default '*'. */
  readonly expression?: string
  /** In place of topic and expression. */
  readonly subscriptions?: readonly Subscription[]
  /** Default CLUSTERING. */
  readonly messageModel?: 'CLUSTERING' | 'BROADCASTING'
  /** Default CONSUME_FROM_FIRST_OFFSET. */
  readonly consumeFrom?: 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_LAST_OFFSET'
  /** A MessageListenerOrderly; default false. */
  readonly orderly?: boolean
  readonly maxReconsumeTimes?: number
  /** suspendCurrentQueueTimeMillis. */
  readonly suspendMs?: number
  /** consumeMessageBatchMaxSize; default 1. */
  readonly batchMessages?: number
  /** How long the listener takes; default 0. */
  readonly workMs?: number
  /** Message trace; default false. */
  readonly traced?: boolean
  /** See hookRecords; default false. */
  readonly recordHooks?: boolean
}

export interface SentMessage {
  readonly status: 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE'
  /** Of a batch: all ids, joined by commas. */
  readonly msgId: string
  readonly offsetMsgId: string
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  readonly regionId?: string
}

export interface Queue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

export interface PullAnswer {
  readonly status: 'FOUND' | 'NO_NEW_MSG' | 'NO_MATCHED_MSG' | 'OFFSET_ILLEGAL'
  readonly nextBeginOffset: number
  readonly minOffset: number
  readonly maxOffset: number
  readonly messages?: readonly ReceivedMessage[]
}

export interface QueueBounds {
  readonly minOffset: number
  readonly maxOffset: number
  readonly earliestStoreTimestampMs: number
  readonly offsetAtTimestamp?: number
}

/** What every client is created with. */
export interface ClientSettings {
  readonly namesrvAddress: string
  /** Name inside the driver; also the client's instance name. */
  readonly name: string
  readonly group: string
  /** Default false. */
  readonly vipChannel?: boolean
  /** Default the client's, 30 s. */
  readonly pollNameServerMs?: number
  /** Put before the names of topics and groups, with a % between; default none. */
  readonly namespace?: string
}

export type SendMode = 'sync' | 'async' | 'oneway' | 'batch' | 'selector' | 'queue'

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

const START_TIMEOUT_MS = 90_000
const COMMAND_TIMEOUT_MS = 120_000

/**
 * By default a client gives connecting 3 s, and closes a connection on which an answer is late: that of a queue lock
 * may take 1 s. Pulls on their way are lost then. A heartbeat that a Java broker works off after the close makes the
 * client a member of its groups twice, for 120 s, and the queues that the others leave to the second are nobody's.
 */
const PATIENT_CLIENT = {
  'com.rocketmq.remoting.client.connect.timeout': '20000',
  'com.rocketmq.remoting.client.closeSocketIfTimeout': 'false',
}

/** One JVM with one version of the real Java client, told what to do by lines of JSON. */
export class ClientDriver {
  readonly version: ClientVersion
  readonly #child: PeerProcess
  readonly #pending = new Map<number, (answer: Answer) => void>()
  #nextId = 1

  /** Use startClientDriver. */
  constructor(version: ClientVersion, child: PeerProcess) {
    this.version = version
    this.#child = child
    child.onLine((line) => this.#take(line))
  }

  #take(line: string): void {
    if (!line.startsWith('{"')) return
    const answer = JSON.parse(line) as Answer
    this.#pending.get(answer.id)?.(answer)
  }

  /** @throws Error with the Java stack trace when the command failed. */
  async call<T>(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const id = this.#nextId++
    const answered = new Promise<Answer>((resolve) => this.#pending.set(id, resolve))
    this.#child.child.stdin?.write(`${JSON.stringify({ id, command, ...args })}\n`)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#child.failure(`did not answer ${command}`)), COMMAND_TIMEOUT_MS)
    })
    // A failure holds all the output: it is made for the call that meets it, not for every call ever made.
    const ended = this.#child.ended().then(() => undefined)
    try {
      const answer = await Promise.race([answered, late, ended])
      if (answer === undefined) throw this.#child.failure(`ended during ${command}`)
      if (answer.error !== undefined) throw new Error(`Java client ${this.version}, ${command}: ${answer.error}`)
      return answer.result as T
    } finally {
      clearTimeout(timer)
      late.catch(() => undefined)
      this.#pending.delete(id)
    }
  }

  /** Gives the client id. */
  createProducer(
    settings: ClientSettings & {
      compressOverBytes?: number
      topicQueues?: number
      /** Message trace; default false. */
      traced?: boolean
      /** See hookRecords; default false. */
      recordHooks?: boolean
    },
  ): Promise<string> {
    return this.call('createProducer', { instance: settings.name, vipChannel: false, ...settings })
  }

  /** One result per message; one for a whole batch; none for oneway. */
  send(
    producer: string,
    topic: string,
    mode: SendMode,
    messages: readonly OutgoingMessage[],
    more: { selectorArgs?: readonly number[]; brokerName?: string; queueId?: number } = {},
  ): Promise<readonly SentMessage[]> {
    const encoded = messages.map((message) => ({ ...message, body: message.body.toString('base64') }))
    return this.call('send', { producer, topic, mode, messages: encoded, ...more })
  }

  publishQueues(producer: string, topic: string): Promise<readonly Queue[]> {
    return this.call('publishQueues', { producer, topic })
  }

  stopProducer(producer: string): Promise<void> {
    return this.call('stopProducer', { producer })
  }

  /**
   * Gives the client id. A message's own properties tell the listener what to answer: `fail` how often to refuse it,
   * `failBy` how (later, throw, null), `nextLevel` the delay level to ask for.
   */
  startPushConsumer(settings: ClientSettings & PushSettings & { topic?: string }): Promise<string> {
    return this.call('startPushConsumer', {
      instance: settings.name,
      vipChannel: false,
      expression: '*',
      messageModel: 'CLUSTERING',
      consumeFrom: 'CONSUME_FROM_FIRST_OFFSET',
      ...settings,
    })
  }

  collectedCount(consumer: string): Promise<number> {
    return this.call('collectedCount', { consumer })
  }

  /** Messages received so far, from the given index on, in the order in which their deliveries ended. */
  collected(consumer: string, from = 0): Promise<readonly CollectedMessage[]> {
    return this.call('collected', { consumer, from })
  }

  /** Calls of the hooks of a producer or push consumer that was started with recordHooks, oldest first. */
  hookRecords(client: string): Promise<readonly (Readonly<Record<string, unknown>> & { call: string })[]> {
    return this.call('hookRecords', { client })
  }

  /** The queues of the topic that this member reads now. */
  assigned(consumer: string, topic: string): Promise<readonly Queue[]> {
    return this.call('assigned', { consumer, topic })
  }

  /** Sends the member's offsets to the broker now, oneway. */
  persistOffsets(consumer: string): Promise<void> {
    return this.call('persistOffsets', { consumer })
  }

  stopPushConsumer(consumer: string): Promise<void> {
    return this.call('stopPushConsumer', { consumer })
  }

  /** Gives the client id. */
  createPullConsumer(settings: ClientSettings): Promise<string> {
    return this.call('createPullConsumer', { instance: settings.name, vipChannel: false, ...settings })
  }

  subscribeQueues(consumer: string, topic: string): Promise<readonly Queue[]> {
    return this.call('subscribeQueues', { consumer, topic })
  }

  /** One pull. With `block` the broker holds it until a message comes or 20 s are over. */
  pull(consumer: string, queue: Queue, queueOffset: number, expression = '*', block = false): Promise<PullAnswer> {
    return this.call('pull', { consumer, ...queue, queueOffset, expression, block })
  }

  /** All messages of a queue from the offset on. */
  drain(consumer: string, queue: Queue, queueOffset = 0, expression = '*'): Promise<PullAnswer> {
    return this.call('drain', { consumer, ...queue, queueOffset, expression })
  }

  commit(consumer: string, queue: Queue, queueOffset: number): Promise<void> {
    return this.call('commit', { consumer, ...queue, queueOffset })
  }

  /** -1 when the broker has no offset for the group. */
  committed(consumer: string, queue: Queue): Promise<number> {
    return this.call('committed', { consumer, ...queue })
  }

  queueBounds(consumer: string, queue: Queue, timestampMs?: number): Promise<QueueBounds> {
    return this.call('queueBounds', { consumer, ...queue, ...(timestampMs === undefined ? {} : { timestampMs }) })
  }

  /** @throws Error of the Java client when nothing is found. */
  queryByKey(
    consumer: string,
    topic: string,
    key: string,
    within: { beginTimestampMs: number; endTimestampMs: number },
    maxMessages = 32,
  ): Promise<readonly ReceivedMessage[]> {
    return this.call('queryByKey', { consumer, topic, key, maxMessages, ...within })
  }

  /** By offset id or by unique key. */
  viewMessage(consumer: string, topic: string, msgId: string): Promise<ReceivedMessage | null> {
    return this.call('viewMessage', { consumer, topic, msgId })
  }

  stopPullConsumer(consumer: string): Promise<void> {
    return this.call('stopPullConsumer', { consumer })
  }

  /** Ends the JVM at once: the brokers see only that connections close. */
  kill(): Promise<void> {
    return this.#child.kill()
  }

  /** Shuts all clients down and ends the JVM. */
  async stop(): Promise<void> {
    this.#child.child.stdin?.end()
    const timer = setTimeout(() => void this.#child.kill(), COMMAND_TIMEOUT_MS)
    await this.#child.ended()
    clearTimeout(timer)
  }
}

/** Starts a JVM with the given client version; builds the driver first when it is missing or stale. */
export const startClientDriver = async (options: {
  clientVersion: ClientVersion
  systemProperties?: Readonly<Record<string, string>>
}): Promise<ClientDriver> => {
  const { clientVersion, systemProperties } = options
  const homeDir = mkdtempSync(join(tmpdir(), 'apogee-java-client-'))
  const given = Object.entries({ ...PATIENT_CLIENT, ...systemProperties }).map(([name, value]) => `-D${name}=${value}`)
  const child = new PeerProcess({
    name: `Java client ${clientVersion}`,
    file: 'java',
    args: [
      '-Xms64m',
      '-Xmx512m',
      '-XX:+UseSerialGC',
      `-Duser.home=${homeDir}`,
      ...given,
      '-cp',
      await classPath('client', clientVersion),
      'apogee.interop.Driver',
    ],
    env: { NAMESRV_ADDR: undefined },
    onEnd: () => rmSync(homeDir, { recursive: true, force: true }),
  })
  const driver = new ClientDriver(clientVersion, child)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS)
  })
  await child.ready(() => Promise.race([driver.call('ping'), late])).finally(() => clearTimeout(timer))
  return driver
}
