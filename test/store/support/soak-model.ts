import { fail, ok } from 'node:assert/strict'

/** A generator of numbers from 0 up to 1, the same for the same seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What was acknowledged in one queue, by queue offset: the record's physical offset. */
export interface ModelQueue {
  readonly topic: ModelTopic
  readonly queueId: number
  readonly life: number
  readonly physicalOffsets: number[]
  /** Queue offset that the follower reads next. */
  cursor: number
}

/** One topic. With each removal a new life begins, whose queues count from 0. */
export class ModelTopic {
  readonly name: string
  readonly #queueCount: number
  life = 0
  queues: ModelQueue[] = []
  /** While it is, what is read may be of the life before. */
  isBeingRemoved = false
  /** Aborts when this life ends. */
  end = new AbortController()

  constructor(name: string, queueCount: number) {
    this.name = name
    this.#queueCount = queueCount
    this.#begin()
  }

  beginLife(): void {
    this.life += 1
    this.end.abort()
    this.end = new AbortController()
    this.#begin()
  }

  #begin(): void {
    this.queues = Array.from({ length: this.#queueCount }, (_, queueId) => ({
      topic: this,
      queueId,
      life: this.life,
      physicalOffsets: [],
      cursor: 0,
    }))
  }
}

export const keyOf = ({ topic, queueId, life }: ModelQueue, queueOffset: number): string =>
  `${topic.name}.${life}.${queueId}.${queueOffset}`

const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** The body of a message: its length and every byte follow from where it stands. Now and then a large one. */
export const bodyOf = (queue: ModelQueue, queueOffset: number): Buffer => {
  const key = `${keyOf(queue, queueOffset)}/`
  const hash = hashOf(key)
  return Buffer.alloc(hash % 61 === 0 ? 20_000 + (hash % 70_000) : 40 + (hash % 3_000), key)
}

export const queueOffsetOf = (record: Buffer): number => Number(record.readBigInt64BE(20))

const bodyIn = (record: Buffer): Buffer => record.subarray(88, 88 + record.readInt32BE(84))

/** Checks place and bytes of a record with an IPv4 born host and store host. */
export const checkRecord = (record: Buffer, queue: ModelQueue, queueOffset: number): void => {
  const key = keyOf(queue, queueOffset)
  const found = { queueId: record.readInt32BE(12), queueOffset: queueOffsetOf(record) }
  if (found.queueId !== queue.queueId || found.queueOffset !== queueOffset) {
    fail(`instead of ${key} queue offset ${found.queueOffset} of queue ${found.queueId} was read`)
  }
  const body = bodyIn(record)
  const physicalOffset = Number(record.readBigInt64BE(28))
  ok(physicalOffset === queue.physicalOffsets[queueOffset], `${key} was read from physical offset ${physicalOffset}`)
  ok(body.equals(bodyOf(queue, queueOffset)), `${key} has the body ${JSON.stringify(body.toString('latin1', 0, 80))}`)
}
