import type { TimerHandle } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import { handler } from '../net/handler.ts'
import { type ConsumeFromWhere, encodeHeartbeat, type SubscriptionData } from '../protocol/bodies/index.ts'
import { notifyConsumerIdsChanged } from '../protocol/commands/notify-consumer-ids-changed.ts'
import { isRetryTopic, retryTopic } from '../protocol/names.ts'
import { ClientError } from './client-error.ts'
import { ClientInstance } from './client-instance.ts'
import { type ClientOptions, checkPositive, clientSettings } from './client-options.ts'
import { type MessageQueue, queueKey } from './message.ts'
import { MessageDelivery, type OnMessage } from './message-delivery.ts'
import { type ConsumeFrom, OffsetStore } from './offset-store.ts'
import { type PullLimits, PullLoop } from './pull-loop.ts'
import { Rebalance } from './rebalance.ts'
import { ALL_TAGS, tagSubscription } from './subscription.ts'

export type { OnMessage } from './message-delivery.ts'
export type { ConsumeFrom } from './offset-store.ts'

/** How a push consumer differs from the usual. */
export interface PushConsumerOptions extends ClientOptions {
  /** Where the group begins in queues in which it has no offset. Default `last`. */
  readonly consumeFrom?: ConsumeFrom
  /** Handlers running at once. Default 20. */
  readonly concurrency?: number
  /** What is taken of one queue before handlers must have done some of it. */
  readonly limits?: Partial<PullLimits>
}

const DEFAULT_CONCURRENCY = 20
const DEFAULT_LIMITS: PullLimits = { messages: 1_000, bytes: 100 * 1024 * 1024, batch: 32 }
const COMMIT_PERIOD_MS = 5_000
/** How often a topic that does not exist yet, or a broker that has no heartbeat, is tried. */
const LOOK_PERIOD_MS = 1_000

const consumeFromWhere = (from: ConsumeFrom): ConsumeFromWhere => {
  if (from === 'first') return 'CONSUME_FROM_FIRST_OFFSET'
  return from === 'last' ? 'CONSUME_FROM_LAST_OFFSET' : 'CONSUME_FROM_TIMESTAMP'
}

/**
 * Consumes topics as one member of a group: the queues are shared among the members, every message goes to one of them,
 * and again to one when its handler failed or its member died. Messages can come more than once and in any order.
 */
export class PushConsumer implements Stoppable, AsyncDisposable {
  readonly #consumeFrom: ConsumeFrom
  readonly #concurrency: number
  readonly #limits: PullLimits
  readonly #instance: ClientInstance
  readonly #rebalance: Rebalance
  readonly #offsets: OffsetStore
  readonly #subscriptions = new Map<string, SubscriptionData>()
  readonly #loops = new Map<string, PullLoop>()
  readonly #timers: TimerHandle[] = []
  #delivery: MessageDelivery | undefined
  #stopping: Promise<void> | undefined

  /** @throws {ClientError} `CLIENT_OPTION_INVALID` */
  constructor(options: PushConsumerOptions) {
    const settings = clientSettings(options)
    this.#consumeFrom = options.consumeFrom ?? 'last'
    this.#concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    checkPositive('concurrency', this.#concurrency)
    for (const [name, value] of Object.entries(this.#limits)) checkPositive(`limits.${name}`, value)
    this.#instance = new ClientInstance(settings, {
      heartbeatTo: 'all',
      handlers: [
        handler(notifyConsumerIdsChanged, () => {
          void this.#rebalance.soon()
          return undefined
        }),
      ],
      heartbeat: (clientId) => this.#heartbeat(clientId),
      onRouteChange: () => {
        if (this.#delivery !== undefined) void this.#rebalance.soon()
      },
    })
    this.#offsets = new OffsetStore(this.#instance, this.#consumeFrom)
    this.#rebalance = new Rebalance({
      instance: this.#instance,
      topics: () => this.#subscriptions.keys(),
      assign: (topic, queues) => this.#assign(topic, queues),
    })
  }

  /** `address@pid#random`, as brokers list it. */
  get clientId(): string {
    return this.#instance.identity.clientId
  }

  /** The queues that are this member's now. */
  get assignedQueues(): readonly MessageQueue[] {
    return [...this.#loops.values()].map((loop) => loop.queue)
  }

  /**
   * Adds a topic, or changes what is wanted of it. All members of a group must subscribe to the same.
   * @param tagExpression `*` (default) for all messages, or tags: `A || B`
   * @throws {ClientError} `CLIENT_OPTION_INVALID`, `CLIENT_STOPPED`
   */
  subscribe(topic: string, tagExpression: string = ALL_TAGS): void {
    this.#checkNotStopped()
    const { clock, logger } = this.#instance.settings
    this.#subscriptions.set(topic, tagSubscription(topic, tagExpression, clock.nowMs()))
    if (this.#delivery === undefined) return
    this.#instance.heartbeats
      .beat()
      .then(() => this.#rebalance.soon())
      .catch((error: unknown) => logger.error({ error }, `subscribe to ${topic}: ${errorText(error)}`))
  }

  /**
   * Begins to consume: resolves when the queues were shared for the first time. Topics that do not exist yet are
   * consumed as soon as they do. From here to `stop` the process stays alive.
   * @param onMessage handles one message; when it throws or rejects, the message comes again after a delay that grows
   *   from 1 s to 1 min, and the group's offset stays below it until then
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER`, after which `start` may be called again; `CLIENT_STATE` without a
   *   subscription or when started; `CLIENT_STOPPED`
   */
  async start(onMessage: OnMessage): Promise<void> {
    this.#checkNotStopped()
    if (this.#delivery !== undefined) throw new ClientError('CLIENT_STATE', 'the consumer is started')
    if (this.#subscriptions.size === 0) throw new ClientError('CLIENT_STATE', 'the consumer has no subscription')
    const { group, clock, logger } = this.#instance.settings
    this.#delivery = new MessageDelivery({ group, concurrency: this.#concurrency, clock, logger, onMessage })
    try {
      await this.#instance.start()
    } catch (error) {
      this.#delivery = undefined
      throw error
    }
    if (this.#stopping !== undefined) return
    // Messages that members of other kinds send back are this group's as well.
    const retry = retryTopic(group)
    this.#subscriptions.set(retry, tagSubscription(retry, ALL_TAGS, clock.nowMs()))
    this.#timers.push(clock.every(COMMIT_PERIOD_MS, () => this.#commit()))
    this.#timers.push(clock.every(LOOK_PERIOD_MS, () => this.#look()))
    await this.#rebalance.start()
  }

  /**
   * Takes no more messages, waits for running handlers within the drain time, commits what is done, leaves the group
   * and closes everything. A handler that waits for this is not waited for; its message comes again. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    this.#delivery?.excuseCaller()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    const { drainTimeoutMs, group } = this.#instance.settings
    for (const timer of this.#timers) timer.cancel()
    this.#rebalance.stop()
    for (const loop of this.#loops.values()) loop.end()
    await this.#delivery?.drain(drainTimeoutMs)
    await Promise.all([...this.#loops.values()].map((loop) => this.#commitNow(loop)))
    await this.#instance.stop({ consumerGroup: group })
  }

  #checkNotStopped(): void {
    if (this.#stopping !== undefined) throw new ClientError('CLIENT_STOPPED', 'the consumer is stopped')
  }

  #heartbeat(clientID: string): Buffer {
    return encodeHeartbeat({
      clientID,
      producerDataSet: [],
      consumerDataSet: [
        {
          groupName: this.#instance.settings.group,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: consumeFromWhere(this.#consumeFrom),
          subscriptionDataSet: [...this.#subscriptions.values()],
          unitMode: false,
        },
      ],
    })
  }

  async #assign(topic: string, queues: readonly MessageQueue[]): Promise<void> {
    const wanted = new Map(queues.map((queue) => [queueKey(queue), queue]))
    const givenUp = [...this.#loops].filter(([key, loop]) => loop.queue.topic === topic && !wanted.has(key))
    await Promise.all(
      givenUp.map(async ([key, loop]) => {
        this.#loops.delete(key)
        loop.end()
        const committed = this.#commitNow(loop)
        loop.drop()
        await committed
      }),
    )
    for (const [key, queue] of wanted) {
      if (this.#stopping === undefined && !this.#loops.has(key)) this.#read(key, queue)
    }
  }

  #read(key: string, queue: MessageQueue): void {
    const loop = new PullLoop(queue, {
      instance: this.#instance,
      offsets: this.#offsets,
      limits: this.#limits,
      subscription: () => this.#subscriptions.get(queue.topic)!,
      deliver: (source, taken) => this.#delivery?.add(source, taken),
    })
    this.#loops.set(key, loop)
    void loop.run()
  }

  #commit(): void {
    for (const { queue, commitOffset } of this.#loops.values()) {
      if (commitOffset !== undefined) void this.#offsets.commit(queue, commitOffset)
    }
  }

  async #commitNow({ queue, commitOffset }: PullLoop): Promise<void> {
    if (commitOffset !== undefined) await this.#offsets.commitNow(queue, commitOffset)
  }

  /** Between the regular rounds: topics that have appeared, brokers that have come back. */
  #look(): void {
    const { routes, heartbeats, settings } = this.#instance
    void heartbeats.beatNew()
    for (const topic of this.#subscriptions.keys()) {
      if (isRetryTopic(topic) || routes.find(topic) !== undefined) continue
      routes
        .load(topic, settings.requestTimeoutMs)
        .catch((error: unknown) => settings.logger.debug({ error, topic }, 'no route yet'))
    }
  }
}
