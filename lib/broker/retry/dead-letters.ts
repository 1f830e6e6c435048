import { setImmediate as nextTurn } from 'node:timers/promises'
import { ResponseError } from '../../net/handler.ts'
import type { StoredMessage } from '../../protocol/message-codec.ts'
import { decodeOffsetMessageId } from '../../protocol/message-ids.ts'
import { dlqTopic } from '../../protocol/names.ts'
import { isWriteable } from '../../protocol/permissions.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { AppendStatus } from '../../store/status.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import { newMessageOf, withProperties } from '../messages/new-message.ts'
import type { StoredMessages } from '../messages/stored-messages.ts'

/** What dead letters need of the broker. */
export interface DeadLettersParts {
  readonly store: Pick<MessageStore, 'topic' | 'bounds'>
  readonly messages: Pick<StoredMessages, 'ofQueue' | 'at'>
  readonly writer: Pick<MessageWriter, 'write' | 'durable'>
  readonly topics: { get(name: string): { readonly perm: number; readonly writeQueueNums: number } | undefined }
  readonly offsets: {
    find(group: string, topic: string, queueId: number): number | undefined
    commit(group: string, topic: string, queueId: number, queueOffset: number): boolean
  }
  /** In [0, 1); chooses a queue when the original one is not known. */
  readonly random: () => number
}

/** Where a group's dead letters are: those below `firstOffset` are replayed, purged or too old. */
export interface DeadLetterBounds {
  readonly firstOffset: number
  /** Offset behind the newest. */
  readonly endOffset: number
}

/** A page of dead letters. */
export interface DeadLetterPage extends DeadLetterBounds {
  readonly letters: readonly StoredMessage[]
  /** Where the next page begins. */
  readonly nextOffset: number
}

/** What a replay did. */
export interface Replay extends DeadLetterBounds {
  readonly replayed: number
  /** Why it stopped at the letter that is the first now; undefined when all asked for were replayed. */
  readonly refusal: string | undefined
}

/** Dead-letter topics have one queue. */
const QUEUE = 0
const PAGE_MESSAGES = 32
/** Most letters of one read or replay. */
const MAX_COUNT = 1000

/** What retries added; a replayed message is as new. */
const OF_RETRIES = [
  PropertyName.RETRY_TOPIC,
  PropertyName.ORIGIN_MESSAGE_ID,
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QUEUE_ID,
  PropertyName.DELAY,
  PropertyName.WAIT,
  PropertyName.RECONSUME_TIME,
  PropertyName.MAX_RECONSUME_TIMES,
  PropertyName.CONSUME_START_TIME,
]

/**
 * Messages that groups gave up: read, replayed to the topic they were first sent to, or purged. What is dealt with is
 * remembered as the group's own consumer offset in its dead-letter topic; messages go with the log's retention.
 */
export class DeadLetters {
  readonly #parts: DeadLettersParts
  readonly #replaying = new Set<string>()

  constructor(parts: DeadLettersParts) {
    this.#parts = parts
  }

  /** @throws {ResponseError} `TOPIC_NOT_EXIST` when the group never gave up a message */
  bounds(group: string): DeadLetterBounds {
    const topic = dlqTopic(group)
    const { topics, store, offsets } = this.#parts
    if (topics.get(topic) === undefined) throw new ResponseError('TOPIC_NOT_EXIST', `topic[${topic}] not exist`)
    const { min, max } = store.bounds(store.topic(topic), QUEUE) ?? { min: 0, max: 0 }
    const done = offsets.find(group, topic, QUEUE) ?? 0
    return { firstOffset: Math.min(Math.max(done, min), max), endOffset: max }
  }

  /**
   * Letters from an offset on, those dealt with too as long as they are there.
   * @param count at most 1,000
   * @throws {ResponseError} as {@link bounds}; `SYSTEM_ERROR` for numbers out of range
   */
  async read(group: string, fromOffset: number, count: number): Promise<DeadLetterPage> {
    const bounds = this.bounds(group)
    checkNumbers(fromOffset, count)
    const { messages, nextOffset } = await this.#parts.messages.ofQueue(dlqTopic(group), QUEUE, fromOffset, count)
    return { ...bounds, letters: messages, nextOffset }
  }

  /**
   * Sends the first letters once more to the topic they were first sent to, for all its groups, and is done with them
   * when that is durable. After a crash in between some are replayed again.
   * @param count at most 1,000
   * @throws {ResponseError} as {@link read}; `SYSTEM_BUSY` while letters of the group are being replayed
   */
  async replay(group: string, count: number): Promise<Replay> {
    checkNumbers(0, count)
    this.bounds(group)
    if (this.#replaying.has(group)) {
      throw new ResponseError('SYSTEM_BUSY', `dead letters of ${group} are being replayed`)
    }
    this.#replaying.add(group)
    try {
      return await this.#replay(group, count)
    } finally {
      this.#replaying.delete(group)
    }
  }

  /**
   * Is done with all letters below an offset.
   * @throws {ResponseError} as {@link bounds}; `SYSTEM_ERROR` for an offset out of range, or when offsets are full
   */
  purge(group: string, untilOffset: number): DeadLetterBounds {
    const { endOffset } = this.bounds(group)
    checkNumbers(untilOffset, 1)
    if (untilOffset > endOffset) {
      throw new ResponseError('SYSTEM_ERROR', `dead letters of ${group} end at ${endOffset}, not at ${untilOffset}`)
    }
    this.#done(group, untilOffset)
    return this.bounds(group)
  }

  async #replay(group: string, count: number): Promise<Replay> {
    let replayed = 0
    let refusal: string | undefined
    while (replayed < count && refusal === undefined) {
      const { firstOffset, endOffset } = this.bounds(group)
      if (firstOffset >= endOffset) break
      const page = await this.read(group, firstOffset, Math.min(PAGE_MESSAGES, count - replayed))
      const sent = await this.#send(page.letters)
      const lost = await this.#failureOf(sent.endOffset)
      refusal = lost ?? sent.refusal
      if (lost !== undefined) break
      replayed += sent.count
      const next = sent.refusal === undefined ? page.nextOffset : page.letters[sent.count]!.queueOffset
      if (next > firstOffset) this.#done(group, next)
      await nextTurn()
    }
    return { ...this.bounds(group), replayed, refusal }
  }

  /** Writes letters up to the first that cannot be. */
  async #send(letters: readonly StoredMessage[]) {
    let endOffset = 0
    for (const [count, letter] of letters.entries()) {
      const written = await this.#write(letter)
      if (typeof written === 'string') return { count, endOffset, refusal: written }
      endOffset = written
    }
    return { count: letters.length, endOffset, refusal: undefined }
  }

  /** End of the record, or why there is none. */
  async #write(letter: StoredMessage): Promise<number | string> {
    const name = letter.properties.get(PropertyName.RETRY_TOPIC)
    if (name === undefined) return 'the letter does not say where it was sent to'
    const queueId = await this.#queueOf(name, letter)
    const topic = this.#parts.topics.get(name)
    if (topic === undefined) return `topic[${name}] not exist`
    if (!isWriteable(topic.perm)) return `the topic[${name}] sending message is forbidden`
    const known = queueId !== undefined && queueId < topic.writeQueueNums
    const { status, endOffset } = this.#parts.writer.write(
      newMessageOf(letter, {
        topic: name,
        queueId: known ? queueId : Math.floor(this.#parts.random() * topic.writeQueueNums),
        reconsumeTimes: 0,
        properties: withProperties(letter.properties, {}, OF_RETRIES),
      }),
    )
    return status === AppendStatus.OK ? endOffset : `the store refused the message, status ${status}`
  }

  /** The queue it was first sent to, as long as the log has it: order by queue holds for replays as well. */
  async #queueOf(topic: string, letter: StoredMessage): Promise<number | undefined> {
    try {
      const { physicalOffset } = decodeOffsetMessageId(letter.properties.get(PropertyName.ORIGIN_MESSAGE_ID) ?? '')
      const first = await this.#parts.messages.at(physicalOffset)
      return first?.topic === topic ? first.queueId : undefined
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return undefined
    }
  }

  async #failureOf(endOffset: number): Promise<string | undefined> {
    if (endOffset === 0) return undefined
    const { kind } = await this.#parts.writer.durable(endOffset)
    return kind === 'durable' ? undefined : 'replayed messages are not on the device'
  }

  #done(group: string, offset: number): void {
    const { offsets } = this.#parts
    const topic = dlqTopic(group)
    if (offset <= (offsets.find(group, topic, QUEUE) ?? 0)) return
    if (!offsets.commit(group, topic, QUEUE, offset)) {
      throw new ResponseError('SYSTEM_ERROR', `the offset of ${group} in ${topic} cannot be stored: too many offsets`)
    }
  }
}

const checkNumbers = (offset: number, count: number): void => {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new ResponseError('SYSTEM_ERROR', `no offset: ${offset}`)
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
    throw new ResponseError('SYSTEM_ERROR', `1 to ${MAX_COUNT} dead letters at once, not ${count}`)
  }
}
