import type { Stoppable } from '../base/lifecycle.ts'
import { encodeHeartbeat } from '../protocol/bodies/index.ts'
import type { RequestOf } from '../protocol/command.ts'
import { sendMessageV2 } from '../protocol/commands/send-message-v2.ts'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../protocol/compression.ts'
import { UniqIds } from '../protocol/message-ids.ts'
import { SystemTopic } from '../protocol/names.ts'
import { ResponseCode, type ResponseCodeName } from '../protocol/response-codes.ts'
import { ClientError } from './client-error.ts'
import { ClientInstance } from './client-instance.ts'
import { type ClientOptions, checkPositive, clientSettings } from './client-options.ts'
import type { MessageQueue, OutgoingMessage, SendResult, SendStatus } from './message.ts'
import { type PreparedMessage, prepareMessage } from './outgoing-message.ts'
import { QueueRotation } from './queue-rotation.ts'
import { mayTryElsewhere, orAborted, sendFailure } from './send-failure.ts'
import { routeFromModel, type TopicRoute } from './topic-route.ts'
import { within } from './within.ts'

/** How a producer differs from the usual. */
export interface ProducerOptions extends ClientOptions {
  /** Attempts after the first one failed. Default 2. */
  readonly retries?: number
  /** Largest body, before compression. Default 4 MiB, which is the brokers' default as well. */
  readonly maxMessageBytes?: number
  /** Bodies of this size and more are compressed with zlib. Default 4,096 bytes; Infinity compresses none. */
  readonly compressOverBytes?: number
  /** Queues asked for when a message makes its topic. Default 4. */
  readonly defaultTopicQueues?: number
  /** Chooses the first queue of each topic; in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

/** Chooses one of the queues that take messages of a topic. */
export type QueueSelector = (queues: readonly MessageQueue[], message: OutgoingMessage) => MessageQueue

/** How one send differs from the usual. */
export interface SendOptions {
  /** For everything: routes, all attempts. Default 3,000 ms. */
  readonly timeoutMs?: number
  /** Sends to this queue, without attempts elsewhere. */
  readonly queue?: MessageQueue
  /** Chooses the queue, without attempts elsewhere. */
  readonly selector?: QueueSelector
  /** Ends the wait when it is aborted; the message may be stored all the same. */
  readonly signal?: AbortSignal
}

const DEFAULT_SEND_TIMEOUT_MS = 3_000
const DEFAULT_RETRIES = 2
const DEFAULT_COMPRESS_OVER_BYTES = 4_096
const DEFAULT_TOPIC_QUEUES = 4

/** Answers that say: stored, but not as safely as promised. */
const STORED: readonly (ResponseCodeName & SendStatus)[] = [
  'FLUSH_DISK_TIMEOUT',
  'FLUSH_SLAVE_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
]

const usable = (route: TopicRoute | undefined): route is TopicRoute => (route?.writable.length ?? 0) > 0

/** For a promise whose failure is seen elsewhere. */
const ignore = (): undefined => undefined

/** Sends messages. One producer serves any number of concurrent sends and topics. */
export class Producer implements Stoppable, AsyncDisposable {
  readonly #options: Required<Omit<ProducerOptions, keyof ClientOptions>>
  readonly #instance: ClientInstance
  readonly #uniqIds: UniqIds
  readonly #rotation: QueueRotation
  readonly #sending = new Set<Promise<unknown>>()
  #started: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /** @throws {ClientError} `CLIENT_OPTION_INVALID` */
  constructor(options: ProducerOptions) {
    const settings = clientSettings(options)
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, compressOverBytes = DEFAULT_COMPRESS_OVER_BYTES } = options
    const { retries = DEFAULT_RETRIES, defaultTopicQueues = DEFAULT_TOPIC_QUEUES, random = Math.random } = options
    if (!(retries >= 0)) throw new ClientError('CLIENT_OPTION_INVALID', `retries must be 0 or more, not ${retries}`)
    checkPositive('maxMessageBytes', maxMessageBytes)
    checkPositive('compressOverBytes', compressOverBytes)
    checkPositive('defaultTopicQueues', defaultTopicQueues)
    this.#options = { maxMessageBytes, compressOverBytes, retries, defaultTopicQueues, random }
    this.#instance = new ClientInstance(settings, {
      heartbeatTo: 'masters',
      handlers: [],
      heartbeat: (clientID) =>
        encodeHeartbeat({ clientID, producerDataSet: [{ groupName: settings.group }], consumerDataSet: [] }),
      onRouteChange: () => void this.#instance.heartbeats.beatNew(),
    })
    const { address, instanceHash } = this.#instance.identity
    this.#uniqIds = new UniqIds({ address, instanceHash, processId: process.pid }, settings.clock)
    this.#rotation = new QueueRotation(random)
  }

  /** `address@pid#random`, as brokers list it. */
  get clientId(): string {
    return this.#instance.identity.clientId
  }

  /**
   * Resolves when a name server has answered.
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER`, after which `start` may be called again; `CLIENT_STOPPED`
   */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) throw new ClientError('CLIENT_STOPPED', 'the producer is stopped')
    this.#started ??= this.#instance.start()
    try {
      await this.#started
    } catch (error) {
      this.#started = undefined
      throw error
    }
  }

  /**
   * Sends a message and waits until a broker has it. Goes through the queues of the topic in turn. A topic that does
   * not exist is made where brokers allow it. After a failure the message goes to another broker where there is one:
   * it can then be stored twice.
   * @throws {ClientError} `CLIENT_MESSAGE_INVALID`, `CLIENT_STATE`, `CLIENT_STOPPED`, `CLIENT_NO_NAME_SERVER`,
   *   `CLIENT_NO_ROUTE`, `CLIENT_SEND_FAILED`, `CLIENT_TIMEOUT`, `CLIENT_ABORTED`
   */
  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    this.#checkRunning()
    const prepared = prepareMessage(message, this.#uniqIds.next(), this.#options)
    return this.#tracked(orAborted(this.#attempts(message, prepared, options), options.signal))
  }

  /**
   * Sends a message without waiting for a broker to have it: it may be lost. Resolves when it was handed to the
   * connection.
   * @throws {ClientError} as `send`
   */
  async sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    this.#checkRunning()
    const prepared = prepareMessage(message, this.#uniqIds.next(), this.#options)
    const { timeoutMs = DEFAULT_SEND_TIMEOUT_MS } = options
    const send = async (): Promise<void> => {
      const queue = await this.#queueFor(message, options, timeoutMs, undefined)
      const header = this.#header(prepared, queue)
      await this.#instance.remoting.invokeOneway(this.#master(queue), sendMessageV2, header, prepared.body)
    }
    await this.#tracked(orAborted(send(), options.signal))
  }

  /** Takes no more messages, waits for those being sent within the drain time, and closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    const { clock, drainTimeoutMs, group } = this.#instance.settings
    await within(clock, drainTimeoutMs, Promise.allSettled(this.#sending))
    await this.#instance.stop({ producerGroup: group })
  }

  #checkRunning(): void {
    if (this.#stopping !== undefined) throw new ClientError('CLIENT_STOPPED', 'the producer is stopped')
    if (this.#started === undefined) throw new ClientError('CLIENT_STATE', 'the producer is not started')
  }

  async #tracked<T>(sending: Promise<T>): Promise<T> {
    this.#sending.add(sending)
    try {
      return await sending
    } finally {
      this.#sending.delete(sending)
    }
  }

  async #attempts(message: OutgoingMessage, prepared: PreparedMessage, options: SendOptions): Promise<SendResult> {
    const { clock, logger } = this.#instance.settings
    const { timeoutMs = DEFAULT_SEND_TIMEOUT_MS, signal } = options
    const isFree = options.queue === undefined && options.selector === undefined
    const deadline = clock.monotonicMs() + timeoutMs
    let failure: unknown
    let avoidBroker: string | undefined
    for (let attempt = 0; attempt <= (isFree ? this.#options.retries : 0); attempt++) {
      const leftMs = deadline - clock.monotonicMs()
      if (leftMs <= 0 || signal?.aborted) break
      const queue = await this.#queueFor(message, options, leftMs, avoidBroker)
      try {
        return await this.#sendTo(queue, prepared, Math.max(1, deadline - clock.monotonicMs()))
      } catch (error) {
        failure = error
        if (!mayTryElsewhere(error)) break
        avoidBroker = queue.brokerName
        logger.debug({ error, queue }, 'a send failed')
        this.#reload(queue.topic)
      }
    }
    throw sendFailure(message.topic, timeoutMs, failure, clock.monotonicMs() >= deadline)
  }

  /** What is known of a topic may be why a send failed. The next attempt does not wait for it. */
  #reload(topic: string): void {
    const { logger, requestTimeoutMs } = this.#instance.settings
    this.#instance.routes
      .load(topic, requestTimeoutMs)
      .catch((error: unknown) => logger.debug({ error, topic }, 'route not refreshed'))
  }

  async #queueFor(
    message: OutgoingMessage,
    { queue, selector }: SendOptions,
    timeoutMs: number,
    avoidBroker: string | undefined,
  ): Promise<MessageQueue> {
    const { topic } = message
    const { writable } = this.#known(topic) ?? (await this.#routeWithin(topic, timeoutMs))
    if (queue !== undefined && queue.topic !== topic) {
      throw new ClientError('CLIENT_OPTION_INVALID', `the queue is one of ${queue.topic}, the message is for ${topic}`)
    }
    if (queue !== undefined) return queue
    if (selector === undefined) return this.#rotation.next(topic, writable, avoidBroker)
    const selected = selector(writable, message)
    if (selected === undefined) throw new ClientError('CLIENT_OPTION_INVALID', 'the selector gave no queue')
    return selected
  }

  #known(topic: string): TopicRoute | undefined {
    const known = this.#instance.routes.find(topic)
    return usable(known) ? known : undefined
  }

  /** @throws {ClientError} `CLIENT_NO_NAME_SERVER`, `CLIENT_NO_ROUTE`, `CLIENT_TIMEOUT` */
  async #routeWithin(topic: string, timeoutMs: number): Promise<TopicRoute> {
    const { clock, requestTimeoutMs } = this.#instance.settings
    const route = this.#route(topic, Math.min(timeoutMs, requestTimeoutMs))
    if (await within(clock, timeoutMs, route.catch(ignore))) return route
    throw new ClientError('CLIENT_TIMEOUT', `no route of the topic ${topic} in ${timeoutMs} ms`)
  }

  async #route(topic: string, timeoutMs: number): Promise<TopicRoute> {
    const { routes, nameServers } = this.#instance
    const loaded = await routes.load(topic, timeoutMs)
    if (usable(loaded)) return loaded
    if (loaded !== undefined) throw new ClientError('CLIENT_NO_ROUTE', `no queue of the topic ${topic} takes messages`)
    const model = await nameServers.route(SystemTopic.AUTO_CREATE_KEY, timeoutMs)
    const assumed = model && routeFromModel(topic, model, this.#options.defaultTopicQueues)
    if (!usable(assumed)) {
      throw new ClientError('CLIENT_NO_ROUTE', `the topic ${topic} does not exist, and no broker would create it`)
    }
    routes.assume(assumed)
    return assumed
  }

  #master({ brokerName }: MessageQueue): string {
    const address = this.#instance.routes.master(brokerName)
    if (address === undefined) throw new ClientError('CLIENT_NO_ROUTE', `no master of ${brokerName} is known`)
    return address
  }

  #header(prepared: PreparedMessage, queue: MessageQueue): RequestOf<typeof sendMessageV2> {
    const { clock, group } = this.#instance.settings
    return {
      producerGroup: group,
      topic: prepared.topic,
      defaultTopic: SystemTopic.AUTO_CREATE_KEY,
      defaultTopicQueueNums: this.#options.defaultTopicQueues,
      queueId: queue.queueId,
      sysFlag: prepared.sysFlag,
      bornTimestamp: clock.nowMs(),
      flag: prepared.flag,
      properties: prepared.properties,
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
  }

  async #sendTo(queue: MessageQueue, prepared: PreparedMessage, timeoutMs: number): Promise<SendResult> {
    const { code, header } = await this.#instance.remoting.invoke(
      this.#master(queue),
      sendMessageV2,
      this.#header(prepared, queue),
      { body: prepared.body, timeoutMs, accept: STORED },
    )
    return {
      status: STORED.find((name) => ResponseCode[name] === code) ?? 'SEND_OK',
      messageId: prepared.messageId,
      offsetMessageId: header.msgId,
      queue: { ...queue, queueId: header.queueId },
      queueOffset: header.queueOffset,
    }
  }
}
