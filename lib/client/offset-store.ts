import { errorText } from '../base/errors.ts'
import { RemoteError } from '../net/net-error.ts'
import { getMaxOffset } from '../protocol/commands/get-max-offset.ts'
import { queryConsumerOffset } from '../protocol/commands/query-consumer-offset.ts'
import { searchOffsetByTimestamp } from '../protocol/commands/search-offset-by-timestamp.ts'
import { updateConsumerOffset } from '../protocol/commands/update-consumer-offset.ts'
import { isRetryTopic } from '../protocol/names.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { ClientError } from './client-error.ts'
import type { ClientInstance } from './client-instance.ts'
import type { MessageQueue } from './message.ts'
import { MASTER_ID } from './topic-route.ts'

/** Where a group that has no offset in a queue begins: behind the newest message, at the oldest, or at a time. */
export type ConsumeFrom = 'last' | 'first' | Date

/** The offsets of a group, which its brokers keep. */
export class OffsetStore {
  readonly #instance: ClientInstance
  readonly #consumeFrom: ConsumeFrom

  constructor(instance: ClientInstance, consumeFrom: ConsumeFrom) {
    this.#instance = instance
    this.#consumeFrom = consumeFrom
  }

  /**
   * Where to begin in a queue: the group's offset, else what `consumeFrom` says. A broker knows offset 0 for any group
   * as long as the queue has lost nothing and its first messages are in memory.
   * @throws {ClientError} `CLIENT_NO_ROUTE`
   * @throws {NetError | RemoteError} when the broker cannot say
   */
  async startOffset(queue: MessageQueue): Promise<number> {
    const { remoting, settings } = this.#instance
    const { topic, queueId } = queue
    const request = { consumerGroup: settings.group, topic, queueId }
    const options = { timeoutMs: settings.requestTimeoutMs }
    try {
      const { header } = await remoting.invoke(this.#address(queue), queryConsumerOffset, request, options)
      return header.offset
    } catch (error) {
      const isUnknown = error instanceof RemoteError && error.responseCode === ResponseCode.QUERY_NOT_FOUND
      if (!isUnknown) throw error
      return this.#firstOffset(queue)
    }
  }

  /** Stores an offset without waiting for the broker. A failure is logged: the next commit repeats it. */
  async commit(queue: MessageQueue, commitOffset: number): Promise<void> {
    const { remoting, settings } = this.#instance
    try {
      const header = this.#commitHeader(queue, commitOffset)
      await remoting.invokeOneway(this.#address(queue), updateConsumerOffset, header)
    } catch (error) {
      settings.logger.debug({ error, queue }, 'offset not committed')
    }
  }

  /** Stores an offset and waits until the broker has it. A failure is logged: messages will be repeated. */
  async commitNow(queue: MessageQueue, commitOffset: number): Promise<void> {
    const { remoting, settings } = this.#instance
    const { logger, requestTimeoutMs: timeoutMs } = settings
    try {
      const header = this.#commitHeader(queue, commitOffset)
      await remoting.invoke(this.#address(queue), updateConsumerOffset, header, { timeoutMs })
    } catch (error) {
      const at = `${queue.topic}:${queue.queueId} on ${queue.brokerName}`
      logger.warn({ error, queue }, `offset ${commitOffset} of ${at} not committed: ${errorText(error)}`)
    }
  }

  #commitHeader({ topic, queueId }: MessageQueue, commitOffset: number) {
    return { consumerGroup: this.#instance.settings.group, topic, queueId, commitOffset }
  }

  #address({ brokerName }: MessageQueue): string {
    const found = this.#instance.routes.readFrom(brokerName, MASTER_ID)
    if (found === undefined) throw new ClientError('CLIENT_NO_ROUTE', `no address of ${brokerName} is known`)
    return found.address
  }

  /** For a group without an offset. Messages to be consumed again are never skipped, unless a time is given. */
  #firstOffset(queue: MessageQueue): number | Promise<number> {
    const isRetry = isRetryTopic(queue.topic)
    if (this.#consumeFrom === 'first') return 0
    if (this.#consumeFrom === 'last') return isRetry ? 0 : this.#maxOffset(queue)
    return isRetry ? this.#maxOffset(queue) : this.#offsetAt(queue, this.#consumeFrom)
  }

  async #maxOffset(queue: MessageQueue): Promise<number> {
    const { remoting, settings } = this.#instance
    const { topic, queueId } = queue
    const options = { timeoutMs: settings.requestTimeoutMs }
    const { header } = await remoting.invoke(this.#address(queue), getMaxOffset, { topic, queueId }, options)
    return header.offset
  }

  async #offsetAt(queue: MessageQueue, time: Date): Promise<number> {
    const { remoting, settings } = this.#instance
    const { topic, queueId } = queue
    const request = { topic, queueId, timestamp: time.getTime() }
    const options = { timeoutMs: settings.requestTimeoutMs }
    const { header } = await remoting.invoke(this.#address(queue), searchOffsetByTimestamp, request, options)
    return header.offset
  }
}
