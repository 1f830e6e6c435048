import type { Clock, TimerHandle } from '../../base/clock.ts'
import { StatsItem, type StatsWindowName, StatsWindows } from './stats-item.ts'

/** Most counters kept, about 1.2 KiB each after a day; what comes beyond is counted for the whole broker only. */
export const MAX_STATS_ITEMS = 50_000

/** What was stored in one topic. */
export class TopicTraffic {
  readonly nums: StatsItem
  readonly sizes: StatsItem
  readonly #broker: StatsItem

  constructor(broker: StatsItem, newItem: () => StatsItem) {
    this.#broker = broker
    this.nums = newItem()
    this.sizes = newItem()
  }

  /** One send stored messages. `sizeBytes` is what they take in the log. */
  put(messages: number, sizeBytes: number): void {
    this.nums.add(messages)
    this.sizes.add(sizeBytes)
    this.#broker.add(messages)
  }
}

/** One queue as one group reads it. */
export interface QueueReading {
  /** Milliseconds that pulls took which found messages. */
  readonly latency: StatsItem
  /** Log bytes between the last message read and the log's end, at the last pull. */
  behindBytes: number
}

/** What one group got of one topic. */
export class GroupTraffic {
  readonly nums: StatsItem
  readonly sizes: StatsItem
  readonly sendBacks: StatsItem
  readonly queues = new Map<number, QueueReading>()
  readonly #broker: StatsItem
  readonly #newItem: () => StatsItem

  constructor(broker: StatsItem, newItem: () => StatsItem) {
    this.#broker = broker
    this.#newItem = newItem
    this.nums = newItem()
    this.sizes = newItem()
    this.sendBacks = newItem()
  }

  /** One pull found messages. */
  got(queueId: number, messages: number, sizeBytes: number, latencyMs: number, behindBytes: number): void {
    this.nums.add(messages)
    this.sizes.add(sizeBytes)
    this.#broker.add(messages)
    let queue = this.queues.get(queueId)
    if (queue === undefined) {
      queue = { latency: this.#newItem(), behindBytes }
      this.queues.set(queueId, queue)
    }
    queue.latency.add(latencyMs)
    queue.behindBytes = behindBytes
  }
}

const WINDOW_NAMES = Object.keys(StatsWindows) as StatsWindowName[]
const LATENCY_KEY_PARTS = 3

/**
 * What goes in and out, by topic and by group, over the last minute, hour and day. Callers on the hot path keep the
 * object of their topic; it is forgotten with its topic, and counts into the void from then on.
 */
export class TrafficStats {
  readonly #clock: Clock
  readonly #clusterName: string
  readonly #brokerPut = new StatsItem()
  readonly #brokerGet = new StatsItem()
  readonly #topics = new Map<string, TopicTraffic>()
  /** By topic, then by group. */
  readonly #groups = new Map<string, Map<string, GroupTraffic>>()
  readonly #timers: readonly TimerHandle[]
  /** Counters that are sampled. */
  readonly #items = new Set<StatsItem>([this.#brokerPut, this.#brokerGet])
  readonly #maxItems: number
  /** Takes what finds no room. */
  readonly #untracked = new StatsItem()

  /** @param clusterName key of the counters of the whole broker, as in Java */
  constructor(clock: Clock, clusterName: string, maxItems = MAX_STATS_ITEMS) {
    this.#clock = clock
    this.#clusterName = clusterName
    this.#maxItems = maxItems
    this.#timers = WINDOW_NAMES.map((name) => clock.every(StatsWindows[name].every, () => this.#sample(name)))
  }

  /** Counters kept now. */
  get size(): number {
    return this.#items.size
  }

  topic(topic: string): TopicTraffic {
    let traffic = this.#topics.get(topic)
    if (traffic === undefined) {
      traffic = new TopicTraffic(this.#brokerPut, this.#newItem)
      if (traffic.nums === this.#untracked) return traffic
      this.#topics.set(topic, traffic)
    }
    return traffic
  }

  group(topic: string, group: string): GroupTraffic {
    const known = this.#groups.get(topic)?.get(group)
    if (known !== undefined) return known
    const traffic = new GroupTraffic(this.#brokerGet, this.#newItem)
    if (traffic.nums === this.#untracked) return traffic
    const ofTopic = this.#groups.get(topic)
    if (ofTopic === undefined) this.#groups.set(topic, new Map([[group, traffic]]))
    else ofTopic.set(group, traffic)
    return traffic
  }

  /** Messages per second that a group got of a topic, over the last minute. */
  groupTps(topic: string, group: string): number {
    return this.#groups.get(topic)?.get(group)?.nums.window('minute').tps ?? 0
  }

  /** A counter by Java's names of it; undefined when nothing was counted there. */
  find(statsName: string, statsKey: string): StatsItem | undefined {
    if (statsName === 'BROKER_PUT_NUMS') return statsKey === this.#clusterName ? this.#brokerPut : undefined
    if (statsName === 'BROKER_GET_NUMS') return statsKey === this.#clusterName ? this.#brokerGet : undefined
    if (statsName === 'TOPIC_PUT_NUMS') return this.#topics.get(statsKey)?.nums
    if (statsName === 'TOPIC_PUT_SIZE') return this.#topics.get(statsKey)?.sizes
    return this.#findOfGroup(statsName, statsKey.split('@'))
  }

  /** Groups whose last pull of a queue was further behind the log's end than that; told once for each such pull. */
  takeGroupsBehind(bytes: number): string[] {
    const found = new Set<string>()
    for (const groups of this.#groups.values()) {
      for (const [group, { queues }] of groups) {
        for (const queue of queues.values()) {
          if (queue.behindBytes <= bytes) continue
          queue.behindBytes = 0
          found.add(group)
        }
      }
    }
    return [...found]
  }

  forgetTopic(topic: string): void {
    const traffic = this.#topics.get(topic)
    if (traffic !== undefined) this.#drop(traffic.nums, traffic.sizes)
    this.#topics.delete(topic)
    for (const group of this.#groups.get(topic)?.values() ?? []) this.#dropGroup(group)
    this.#groups.delete(topic)
  }

  forgetGroup(group: string): void {
    for (const [topic, groups] of this.#groups) {
      const traffic = groups.get(group)
      if (traffic === undefined) continue
      this.#dropGroup(traffic)
      groups.delete(group)
      if (groups.size === 0) this.#groups.delete(topic)
    }
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel()
  }

  readonly #newItem = (): StatsItem => {
    if (this.#items.size >= this.#maxItems) return this.#untracked
    const item = new StatsItem()
    this.#items.add(item)
    return item
  }

  #findOfGroup(statsName: string, key: readonly string[]): StatsItem | undefined {
    if (statsName === 'GROUP_GET_LATENCY') {
      const [queueId, topic = '', group = ''] = key
      if (key.length !== LATENCY_KEY_PARTS) return undefined
      return this.#groups.get(topic)?.get(group)?.queues.get(Number(queueId))?.latency
    }
    const [topic = '', group = ''] = key
    const traffic = key.length === 2 ? this.#groups.get(topic)?.get(group) : undefined
    if (statsName === 'GROUP_GET_NUMS') return traffic?.nums
    if (statsName === 'GROUP_GET_SIZE') return traffic?.sizes
    return statsName === 'SNDBCK_PUT_NUMS' ? traffic?.sendBacks : undefined
  }

  #dropGroup({ nums, sizes, sendBacks, queues }: GroupTraffic): void {
    this.#drop(nums, sizes, sendBacks)
    for (const { latency } of queues.values()) this.#drop(latency)
  }

  #drop(...items: StatsItem[]): void {
    for (const item of items) this.#items.delete(item)
  }

  #sample(name: StatsWindowName): void {
    const nowMs = this.#clock.nowMs()
    for (const item of this.#items) item.sample(name, nowMs)
  }
}
