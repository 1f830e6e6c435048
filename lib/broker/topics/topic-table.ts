import { join } from 'node:path'
import { readWithBackup } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import { ApogeeError } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import { type DataVersion, nextDataVersion } from '../../protocol/bodies/data-version.ts'
import {
  decodeTopicConfigWrapper,
  encodeTopicConfigWrapper,
  type TopicConfig,
  topicConfig,
} from '../../protocol/bodies/topic-config.ts'
import { SystemTopic, validateTopic } from '../../protocol/names.ts'
import { isInherited, PERM_INHERIT, PERM_READ, PERM_WRITE } from '../../protocol/permissions.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { StateFile } from '../state-file.ts'
import { presetTopics, type SystemTopics, systemTopics } from './system-topics.ts'

/** More topics than a broker serves well; a client that invents names gets no further. */
export const MAX_TOPICS = 200_000
/** More queues than any topic needs; keeps one request from making millions. */
export const MAX_QUEUES = 65_536

/** A topic that cannot be made or changed as asked. Not retryable. */
export class TopicError extends ApogeeError {}

/** What a send says about the topic it wants. */
export interface TopicWish {
  /** Topic whose settings are the model, normally TBW102. */
  readonly defaultTopic: string
  readonly defaultTopicQueueNums: number
  /** Of the producer, for the log. */
  readonly remoteAddress: string
  readonly topicSysFlag: number
}

/** What parts that only look topics up may do. */
export interface TopicReader {
  get(name: string): TopicConfig | undefined
  /** Grows with every change: what was looked up before may be out of date. */
  readonly version: number
}

/** What the send path may do. */
export interface TopicCreator extends TopicReader {
  createOnSend(name: string, wish: TopicWish): TopicConfig | undefined
  createOnSendBack(name: string, queueNums: number, perm: number, topicSysFlag: number): TopicConfig | undefined
}

/** What a topic table needs. */
export interface TopicTableOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** All topics of a broker, kept in `config/topics.json`. */
export class TopicTable implements TopicCreator {
  readonly #options: TopicTableOptions
  readonly #topics = new Map<string, TopicConfig>()
  readonly #file: StateFile
  readonly #refusals: ThrottledLog
  readonly #listeners: ((changed: TopicConfig) => void)[] = []
  #dataVersion: DataVersion
  #version = 0
  readonly system: SystemTopics

  private constructor(options: TopicTableOptions) {
    this.#options = options
    this.#refusals = new ThrottledLog(options.clock, options.logger)
    this.#dataVersion = { timestamp: options.clock.nowMs(), counter: 0 }
    const { current } = options.config
    this.system = systemTopics(current)
    for (const preset of presetTopics(current)) this.#topics.set(preset.topicName, preset)
    const path = join(current.store.configDir, 'topics.json')
    this.#file = new StateFile({ ...options, path, encode: () => this.encode(true) })
  }

  /**
   * Reads topics.json, or its previous generation. What the file says goes before the preset topics.
   * @throws {FileError} `FILE_UNREADABLE`
   */
  static async load(options: TopicTableOptions): Promise<TopicTable> {
    const table = new TopicTable(options)
    const path = join(options.config.current.store.configDir, 'topics.json')
    const stored = await readWithBackup(path, decodeTopicConfigWrapper)
    if (stored !== undefined) {
      for (const [name, topic] of stored.topicConfigTable) table.#topics.set(name, { ...topic, topicName: name })
      table.#dataVersion = stored.dataVersion
    }
    return table
  }

  get(name: string): TopicConfig | undefined {
    return this.#topics.get(name)
  }

  get version(): number {
    return this.#version
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion
  }

  get size(): number {
    return this.#topics.size
  }

  /** All topics, in no particular order. */
  all(): Iterable<TopicConfig> {
    return this.#topics.values()
  }

  /** The table as JSON, as topics.json holds it (pretty) and code 21 answers it. */
  encode(pretty: boolean): Buffer {
    return encodeTopicConfigWrapper({ dataVersion: this.#dataVersion, topicConfigTable: this.#topics }, pretty)
  }

  /** Called after a topic was made or changed, not when one was deleted. */
  onChange(listener: (changed: TopicConfig) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Makes an unknown topic at its first message: the default topic must exist and pass its settings on.
   * @returns undefined when the topic may not be made
   */
  createOnSend(name: string, wish: TopicWish): TopicConfig | undefined {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const model = this.#modelOf(wish.defaultTopic)
    const refusal = this.#refusal(name, model, wish)
    if (model === undefined || refusal !== undefined) {
      this.#refusals.warn({ topic: name, ...wish, refusal }, 'topic not created at its first message')
      return undefined
    }
    const queues = Math.max(0, Math.min(wish.defaultTopicQueueNums, model.writeQueueNums))
    const created = topicConfig(name, {
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: model.perm & ~PERM_INHERIT,
      topicSysFlag: wish.topicSysFlag,
      topicFilterType: model.topicFilterType,
    })
    this.#put(created)
    return created
  }

  /** Makes a topic of the broker's own accord (retry and dead-letter topics). Undefined when the name is not valid. */
  createOnSendBack(name: string, queueNums: number, perm: number, topicSysFlag: number): TopicConfig | undefined {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const full = this.#topics.size >= MAX_TOPICS
    if (full || validateTopic(name) !== undefined) {
      this.#refusals.warn({ topic: name, full }, 'topic not created')
      return undefined
    }
    const created = topicConfig(name, { readQueueNums: queueNums, writeQueueNums: queueNums, perm, topicSysFlag })
    this.#put(created)
    return created
  }

  /**
   * Makes or replaces a topic as an administrator says.
   * @throws {TopicError} `TOPIC_INVALID` name, queue number or permission; `TOPICS_FULL`
   */
  update(topic: TopicConfig): void {
    const wrong = validateTopic(topic.topicName) ?? wrongSettings(topic)
    if (wrong !== undefined) throw new TopicError('TOPIC_INVALID', wrong)
    if (this.#topics.size >= MAX_TOPICS && !this.#topics.has(topic.topicName)) {
      throw new TopicError('TOPICS_FULL', `the broker already has ${MAX_TOPICS} topics`)
    }
    this.#put(topic)
  }

  /** Forgets a topic. False when there is none. */
  delete(name: string): boolean {
    if (!this.#topics.delete(name)) return false
    this.#options.logger.info({ topic: name }, 'topic deleted')
    this.#changed()
    return true
  }

  /** Marks exactly these topics as ordered: the name server's word. */
  setOrdered(ordered: ReadonlySet<string>): void {
    for (const topic of [...this.#topics.values()]) {
      const order = ordered.has(topic.topicName)
      if (topic.order !== order) this.#put({ ...topic, order })
    }
  }

  /** Raises the version so that name servers take all topics again. */
  touch(): void {
    this.#changed()
  }

  /** Resolves when every change so far is on the device. */
  flush(): Promise<void> {
    return this.#file.flush()
  }

  stop(): Promise<void> {
    return this.#file.stop()
  }

  #modelOf(defaultTopic: string): TopicConfig | undefined {
    const model = this.#topics.get(defaultTopic)
    const { autoCreate } = this.#options.config.current.topics
    if (model === undefined || defaultTopic !== SystemTopic.AUTO_CREATE_KEY || autoCreate) return model
    // An earlier run may have left it in the file with the right to pass its settings on.
    if (!isInherited(model.perm)) return model
    const closed = { ...model, perm: PERM_READ | PERM_WRITE }
    this.#topics.set(defaultTopic, closed)
    return closed
  }

  #refusal(name: string, model: TopicConfig | undefined, wish: TopicWish): string | undefined {
    if (model === undefined) return `the default topic ${wish.defaultTopic} does not exist`
    if (!isInherited(model.perm)) return `the default topic ${wish.defaultTopic} does not pass its settings on`
    if (this.#topics.size >= MAX_TOPICS) return `the broker already has ${MAX_TOPICS} topics`
    return validateTopic(name)
  }

  #put(topic: TopicConfig): void {
    const before = this.#topics.get(topic.topicName)
    this.#topics.set(topic.topicName, topic)
    this.#changed()
    this.#options.logger.info({ topic, before }, before === undefined ? 'topic created' : 'topic changed')
    for (const listener of this.#listeners) listener(topic)
  }

  #changed(): void {
    this.#version += 1
    this.#dataVersion = nextDataVersion(this.#dataVersion, this.#options.clock.nowMs())
    this.#file.changed()
  }
}

const wrongSettings = ({ topicName, readQueueNums, writeQueueNums, perm }: TopicConfig): string | undefined => {
  for (const queues of [readQueueNums, writeQueueNums]) {
    if (!Number.isInteger(queues) || queues < 0 || queues > MAX_QUEUES) {
      return `topic ${topicName} cannot have ${queues} queues; 0 to ${MAX_QUEUES} are possible`
    }
  }
  return perm < 0 || perm > 15 ? `topic ${topicName} cannot have the permission ${perm}` : undefined
}
