import { errorText } from '../base/errors.ts'
import type { SubscriptionData } from '../protocol/bodies/index.ts'
import { pullMessage } from '../protocol/commands/pull-message.ts'
import { decodeRecords } from '../protocol/message-codec.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { PullSysFlag } from '../protocol/sys-flags.ts'
import { ClientError } from './client-error.ts'
import type { ClientInstance } from './client-instance.ts'
import type { MessageQueue } from './message.ts'
import type { MessageSource } from './message-delivery.ts'
import type { OffsetStore } from './offset-store.ts'
import { ProcessQueue, type TakenMessage } from './process-queue.ts'
import { wants } from './subscription.ts'
import { MASTER_ID } from './topic-route.ts'

/** What is taken of one queue at most before handlers must have done some of it. */
export interface PullLimits {
  /** Default 1,000. */
  readonly messages: number
  /** Of bodies, as they travel. Default 100 MiB. */
  readonly bytes: number
  /** Messages of one pull. Default 32. */
  readonly batch: number
}

export interface PullParts {
  readonly instance: ClientInstance
  readonly offsets: OffsetStore
  readonly limits: PullLimits
  /** The subscription as of now. */
  readonly subscription: () => SubscriptionData
  readonly deliver: (source: MessageSource, taken: readonly TakenMessage[]) => void
}

/** How long a broker holds a pull that finds nothing. */
const SUSPEND_MS = 15_000
const PULL_TIMEOUT_MS = 30_000
const PAUSE_AFTER_FAILURE_MS = 1_000

/** Reads one queue for as long as it is assigned to this client. */
export class PullLoop implements MessageSource {
  readonly queue: MessageQueue
  readonly #parts: PullParts
  /** Undefined until it is known where to begin. */
  #process: ProcessQueue | undefined
  /** Offset of the next pull. */
  #next = 0
  #brokerId = MASTER_ID
  #ended = false
  #isFailing = false
  /** Ends what the loop waits for. */
  #wake: () => void = () => undefined

  constructor(queue: MessageQueue, parts: PullParts) {
    this.queue = queue
    this.#parts = parts
  }

  /** Everything below is done; undefined as long as it is not known where the group begins. */
  get commitOffset(): number | undefined {
    return this.#process?.commitOffset
  }

  /** Pulls until `end`. Does not throw: failures are logged and tried again. */
  async run(): Promise<void> {
    while (!this.#ended) {
      try {
        await this.#step()
        this.#isFailing = false
      } catch (error) {
        if (this.#ended) return
        this.#logFailure(error)
        await this.#pause(PAUSE_AFTER_FAILURE_MS)
      }
    }
  }

  /** Takes no more messages. Those taken can still be done. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Ends, and gives up what was taken: the queue is another member's. */
  drop(): void {
    this.end()
    this.#process = undefined
  }

  isWanted(taken: TakenMessage): boolean {
    return this.#process?.has(taken) ?? false
  }

  done(taken: TakenMessage): void {
    this.#process?.done(taken)
    if (!this.#isFull()) this.#wake()
  }

  #isFull(): boolean {
    const { messages, bytes } = this.#parts.limits
    return this.#process !== undefined && (this.#process.count >= messages || this.#process.sizeBytes >= bytes)
  }

  async #step(): Promise<void> {
    if (this.#process === undefined) await this.#begin()
    else if (this.#isFull()) await this.#pause(undefined)
    else await this.#pull(this.#process)
  }

  async #begin(): Promise<void> {
    const offset = await this.#parts.offsets.startOffset(this.queue)
    if (this.#ended) return
    this.#process = new ProcessQueue(offset)
    this.#next = offset
  }

  async #pull(process: ProcessQueue): Promise<void> {
    const { instance, limits, subscription } = this.#parts
    const from = instance.routes.readFrom(this.queue.brokerName, this.#brokerId)
    if (from === undefined) {
      throw new ClientError('CLIENT_NO_ROUTE', `no address of ${this.queue.brokerName} is known`)
    }
    const wanted = subscription()
    const commitOffset = process.commitOffset
    // A slave must not take offsets: its master would not learn of them.
    const commits = from.isMaster && commitOffset > 0 ? PullSysFlag.COMMIT_OFFSET : 0
    const request = {
      consumerGroup: instance.settings.group,
      topic: this.queue.topic,
      queueId: this.queue.queueId,
      queueOffset: this.#next,
      maxMsgNums: limits.batch,
      sysFlag: PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION | commits,
      commitOffset,
      suspendTimeoutMillis: SUSPEND_MS,
      subscription: wanted.subString,
      subVersion: wanted.subVersion,
      expressionType: wanted.expressionType,
    }
    const { code, header, body } = await instance.remoting.invoke(from.address, pullMessage, request, {
      timeoutMs: PULL_TIMEOUT_MS,
      accept: ['PULL_NOT_FOUND', 'PULL_RETRY_IMMEDIATELY', 'PULL_OFFSET_MOVED'],
    })
    if (this.#ended) return
    this.#brokerId = header.suggestWhichBrokerId
    this.#next = header.nextBeginOffset
    if (code === ResponseCode.PULL_OFFSET_MOVED) await this.#restart(process)
    else this.#take(process, wanted, code === ResponseCode.SUCCESS ? body : undefined)
  }

  #take(process: ProcessQueue, wanted: SubscriptionData, records: Buffer | undefined): void {
    const found = records === undefined ? [] : decodeRecords(records)
    const taken = process.add(found.filter(({ properties }) => wants(wanted, properties)))
    process.skipTo(this.#next)
    if (taken.length > 0) this.#parts.deliver(this, taken)
  }

  /** The queue has nothing where it was asked: its messages have expired, or the broker lost some. */
  async #restart(process: ProcessQueue): Promise<void> {
    const { logger } = this.#parts.instance.settings
    const { topic, queueId, brokerName } = this.queue
    const committed = process.commitOffset
    logger.warn({ queue: this.queue }, `${topic}:${queueId} on ${brokerName} moved: ${committed} to ${this.#next}`)
    process.restartAt(this.#next)
    await this.#parts.offsets.commitNow(this.queue, this.#next)
  }

  /** Waits until `done` makes room, `end` is called, or the time is over. */
  #pause(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : this.#parts.instance.settings.clock.after(timeoutMs, resolve)
      this.#wake = () => {
        if (timeoutMs !== undefined && !this.#ended) return
        timer?.cancel()
        resolve()
      }
    })
  }

  /** The first failure of a row is a warning; the rest would say the same. */
  #logFailure(error: unknown): void {
    const { logger } = this.#parts.instance.settings
    const { topic, queueId, brokerName } = this.queue
    const level = this.#isFailing ? 'debug' : 'warn'
    this.#isFailing = true
    logger[level]({ error, queue: this.queue }, `${topic}:${queueId} on ${brokerName}: ${errorText(error)}`)
  }
}
