import { ResponseError } from '../../net/handler.ts'
import { isRetryTopic, isUnsendableTopic, validateTopic } from '../../protocol/names.ts'
import { PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import { MessageSysFlag, TopicSysFlag } from '../../protocol/sys-flags.ts'
import type { MessageStore, TopicHandle } from '../../store/message-store.ts'
import type { TopicLoad } from './admission.ts'

/** What the send path reads of a topic. */
export interface SendTopicConfig {
  readonly topicName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  readonly order: boolean
  readonly topicFilterType: string
}

/** What the send path needs of the topic table. */
export interface SendTopicTable {
  /** Grows with every change; cached topics are dropped when it does. */
  readonly version: number
  get(name: string): SendTopicConfig | undefined
  /** Java's auto-creation on first send; undefined when the default topic does not allow it. */
  createOnSend(
    name: string,
    request: {
      readonly defaultTopic: string
      readonly defaultTopicQueueNums: number
      readonly remoteAddress: string
      readonly topicSysFlag: number
    },
  ): SendTopicConfig | undefined
  /** Makes a topic of the broker's own accord, for retry topics; undefined when its name is not valid. */
  createOnSendBack(name: string, queueNums: number, perm: number, topicSysFlag: number): SendTopicConfig | undefined
}

/** Counts what is stored in one topic. */
export interface PutCounter {
  put(messages: number, sizeBytes: number): void
}

/** A topic that messages may be sent to, with what the hot path needs of it. */
export interface SendTopic {
  readonly name: string
  readonly bytes: Buffer
  readonly handle: TopicHandle
  readonly config: SendTopicConfig
  /** Queue ids from 0 to below this are accepted. */
  readonly queueLimit: number
  /** Bits that the topic adds to a message's sysFlag. */
  readonly sysFlag: number
  readonly load: TopicLoad
  readonly traffic: PutCounter
  /** Messages sent to it may have been consumed too often. */
  readonly isRetry: boolean
}

/** What auto-creation takes from a send request. */
export interface CreationHints {
  readonly defaultTopic: string
  readonly defaultTopicQueueNums: number
  readonly unitMode: boolean
  readonly remoteAddress: string
}

/** Where the counters of topics are. */
export interface TopicCounters {
  topic(topic: string): PutCounter
}

const RETRY_QUEUES = 1

/** Resolves and checks the topic of a send request; remembers the answer until the topic table changes. */
export class SendTopics {
  readonly #topics: SendTopicTable
  readonly #store: Pick<MessageStore, 'topic'>
  readonly #traffic: TopicCounters
  readonly #brokerAddress: string
  readonly #brokerWritable: () => boolean
  readonly #known = new Map<string, SendTopic>()
  /** Of topics that were forgotten while sends of theirs waited. */
  readonly #loads = new Map<string, TopicLoad>()
  #knownVersion = -1
  #last: SendTopic | undefined

  constructor(
    topics: SendTopicTable,
    store: Pick<MessageStore, 'topic'>,
    traffic: TopicCounters,
    broker: { readonly address: string; readonly writable: () => boolean },
  ) {
    this.#topics = topics
    this.#store = store
    this.#traffic = traffic
    this.#brokerAddress = broker.address
    this.#brokerWritable = broker.writable
  }

  /** A topic seen before, by its name's bytes; undefined sends the caller to `resolve`. */
  find(buffer: Buffer, start: number, end: number): SendTopic | undefined {
    this.#forgetWhenChanged()
    const last = this.#last
    if (last !== undefined && sameBytes(last.bytes, buffer, start, end)) return last
    const found = this.#known.get(buffer.toString('latin1', start, end))
    if (found !== undefined) this.#last = found
    return found
  }

  /**
   * Finds or creates the topic.
   * @throws {ResponseError} with Java's code and reason when messages may not be sent to it
   */
  resolve(name: string, hints: CreationHints): SendTopic {
    this.#forgetWhenChanged()
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (!this.#brokerWritable() && this.#topics.get(name)?.order === true) {
      throw new ResponseError('NO_PERMISSION', `the broker[${this.#brokerAddress}] sending message is forbidden`)
    }
    const illegal = validateTopic(name)
    if (illegal !== undefined) throw new ResponseError('SYSTEM_ERROR', illegal)
    if (isUnsendableTopic(name)) {
      throw new ResponseError('NO_PERMISSION', `Sending message to topic[${name}] is forbidden.`)
    }
    const config = this.#topics.get(name) ?? this.#create(name, hints)
    const topic: SendTopic = {
      name,
      bytes: Buffer.from(name, 'latin1'),
      handle: this.#store.topic(name),
      config,
      queueLimit: Math.max(config.writeQueueNums, config.readQueueNums),
      sysFlag: config.topicFilterType === 'MULTI_TAG' ? MessageSysFlag.MULTI_TAGS : 0,
      isRetry: isRetryTopic(name),
      load: this.#loads.get(name) ?? { waiting: 0 },
      traffic: this.#traffic.topic(name),
    }
    this.#forgetWhenChanged()
    this.#known.set(name, topic)
    return topic
  }

  #create(name: string, hints: CreationHints): SendTopicConfig {
    const topicSysFlag = hints.unitMode ? (isRetryTopic(name) ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT) : 0
    const { defaultTopic, defaultTopicQueueNums, remoteAddress } = hints
    const wish = { defaultTopic, defaultTopicQueueNums, remoteAddress, topicSysFlag }
    const created =
      this.#topics.createOnSend(name, wish) ??
      (isRetryTopic(name)
        ? this.#topics.createOnSendBack(name, RETRY_QUEUES, PERM_READ | PERM_WRITE, topicSysFlag)
        : undefined)
    if (created === undefined) {
      throw new ResponseError('TOPIC_NOT_EXIST', `topic[${name}] not exist, apply first please!`)
    }
    return created
  }

  #forgetWhenChanged(): void {
    if (this.#knownVersion === this.#topics.version) return
    this.#knownVersion = this.#topics.version
    for (const [name, load] of this.#loads) if (load.waiting === 0) this.#loads.delete(name)
    for (const { name, load } of this.#known.values()) if (load.waiting > 0) this.#loads.set(name, load)
    this.#known.clear()
    this.#last = undefined
  }
}

const sameBytes = (bytes: Buffer, buffer: Buffer, start: number, end: number): boolean => {
  const { length } = bytes
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== buffer[start + i]) return false
  return true
}
