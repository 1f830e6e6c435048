import type { TopicConfig } from '../protocol/bodies/topic-config.ts'
import type { QueueData } from '../protocol/bodies/topic-route.ts'
import { PERM_READ, PERM_WRITE } from '../protocol/permissions.ts'

/** Queues of topics by topic and broker name. A topic without a broker is not in it. */
export class TopicTable {
  readonly #maxTopics: number
  readonly #topics = new Map<string, Map<string, QueueData>>()

  constructor(maxTopics: number) {
    this.#maxTopics = maxTopics
  }

  get size(): number {
    return this.#topics.size
  }

  get names(): Iterable<string> {
    return this.#topics.keys()
  }

  /** Enters a topic of a broker. Returns false when the table is full and has no room for a new topic. */
  put(brokerName: string, { topicName, readQueueNums, writeQueueNums, perm, topicSysFlag }: TopicConfig): boolean {
    const queues: QueueData = { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag }
    const brokers = this.#topics.get(topicName)
    if (brokers !== undefined) brokers.set(brokerName, queues)
    else if (this.#topics.size < this.#maxTopics) this.#topics.set(topicName, new Map([[brokerName, queues]]))
    else return false
    return true
  }

  /** Queues by broker name; undefined for a topic nobody has. */
  queues(topic: string): ReadonlyMap<string, QueueData> | undefined {
    return this.#topics.get(topic)
  }

  delete(topic: string): void {
    this.#topics.delete(topic)
  }

  /** Deletes a topic at some brokers only. */
  deleteAt(topic: string, brokerNames: Iterable<string>): void {
    const brokers = this.#topics.get(topic)
    if (brokers === undefined) return
    for (const brokerName of brokerNames) brokers.delete(brokerName)
    if (brokers.size === 0) this.#topics.delete(topic)
  }

  /** Deletes everything a broker name has. */
  removeBroker(brokerName: string): void {
    for (const topic of [...this.#topics.keys()]) this.deleteAt(topic, [brokerName])
  }

  /** Takes the write permission from all topics of a broker. Returns how many it has. */
  wipeWritePermission(brokerName: string): number {
    return this.#changePermission(brokerName, (perm) => perm & ~PERM_WRITE)
  }

  /** Makes all topics of a broker readable and writeable, and nothing else. Returns how many it has. */
  addWritePermission(brokerName: string): number {
    return this.#changePermission(brokerName, () => PERM_READ | PERM_WRITE)
  }

  /** Topics of which at least one of the brokers has queues. */
  topicsAt(brokerNames: ReadonlySet<string>): string[] {
    return this.#filtered((brokers) => [...brokers.keys()].some((brokerName) => brokerNames.has(brokerName)))
  }

  /** Topics whose system flag, at the first broker that has them, fits. */
  topicsWithFlag(fits: (topicSysFlag: number) => boolean): string[] {
    return this.#filtered((brokers) => {
      for (const { topicSysFlag } of brokers.values()) return fits(topicSysFlag)
      return false
    })
  }

  #changePermission(brokerName: string, change: (perm: number) => number): number {
    let changed = 0
    for (const brokers of this.#topics.values()) {
      const queues = brokers.get(brokerName)
      if (queues === undefined) continue
      brokers.set(brokerName, { ...queues, perm: change(queues.perm) })
      changed += 1
    }
    return changed
  }

  #filtered(fits: (brokers: ReadonlyMap<string, QueueData>) => boolean): string[] {
    const names: string[] = []
    for (const [topic, brokers] of this.#topics) if (fits(brokers)) names.push(topic)
    return names
  }
}
