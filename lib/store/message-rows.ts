import { isUint8Array } from 'node:util/types'
import type { Clock } from '../base/clock.ts'
import { MAX_PROPERTIES_BYTES, NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR, PropertyName } from '../protocol/properties.ts'
import { KEY_SEPARATOR } from '../protocol/property-names.ts'
import { AppendBatch, maxAppendRows } from './append-batch.ts'
import type { NewMessage } from './log-message.ts'
import { StoreError } from './store-error.ts'
import type { TopicHandle } from './topic-handle.ts'

const hostBytes = 4
const smallestCapacity = 64
const smallestBody = 65_536
/** Memory over this is given back after the append that needed it. */
const largestKeptBytes = 8 << 20

const noBytes = Buffer.alloc(0)
const hasSeparator = (text: string): boolean => text.includes(NAME_VALUE_SEPARATOR) || text.includes(PROPERTY_SEPARATOR)

const refuse = (
  index: number,
  why: string,
  code: 'STORE_INVALID_ARGUMENT' | 'STORE_TOO_LARGE' = 'STORE_INVALID_ARGUMENT',
) => new StoreError(code, `message ${index}: ${why}`)

/** What the rows are checked against and completed with. */
export interface RowDefaults {
  readonly topic: string
  readonly queueId: number
  /** Largest body. */
  readonly maxBodyBytes: number
  /** Largest sum of the bodies of one append: they stand in one log file. */
  readonly maxTotalBytes: number
}

/** Turns messages into the rows of one {@link AppendBatch}: one client batch, so that all or none are appended. */
export class MessageRows {
  readonly #defaults: RowDefaults
  readonly #handleOf: (topic: string) => TopicHandle
  readonly #clock: Clock
  readonly #handles = new Map<string, TopicHandle>()
  #batch = makeBatch(smallestCapacity, 4096)
  #bodies = Buffer.allocUnsafeSlow(smallestBody)
  #bodyUsed = 0

  constructor(defaults: RowDefaults, clock: Clock, handleOf: (topic: string) => TopicHandle) {
    this.#defaults = defaults
    this.#clock = clock
    this.#handleOf = handleOf
  }

  /**
   * Checks and copies the messages. The batch is good until the next call.
   * @throws {StoreError} `STORE_INVALID_ARGUMENT`, `STORE_TOO_LARGE`: nothing is to be appended
   */
  fill(messages: readonly NewMessage[]): AppendBatch {
    if (messages.length > maxAppendRows) {
      throw new StoreError('STORE_TOO_LARGE', `${messages.length} messages in one append, at most ${maxAppendRows}`)
    }
    if (messages.length > this.#batch.capacity) {
      this.#batch = makeBatch(Math.min(messages.length * 2, maxAppendRows), this.#batch.aux.length)
    }
    this.#batch.clear()
    this.#batch.auxUsed = hostBytes
    this.#bodyUsed = 0
    const now = this.#clock.nowMs()
    for (let index = 0; index < messages.length; index++) this.#add(messages[index]!, index, messages.length, now)
    this.#batch.body = this.#bodies
    return this.#batch
  }

  /** Gives back what an unusually large append needed. */
  shrink(): void {
    if (this.#bodies.length > largestKeptBytes) this.#bodies = Buffer.allocUnsafeSlow(smallestBody)
    if (this.#batch.aux.length > largestKeptBytes) this.#batch = makeBatch(smallestCapacity, 4096)
    else this.#batch.body = noBytes
  }

  #add(message: NewMessage, index: number, count: number, now: number): void {
    if (typeof message !== 'object' || message === null) throw refuse(index, 'is no object')
    const { topic = this.#defaults.topic, queueId = this.#defaults.queueId, flag = 0, bornTimestampMs = now } = message
    if (!Number.isInteger(queueId) || queueId < 0 || queueId > 0x7fffffff) {
      throw refuse(index, `queueId is not an integer from 0 to 2147483647: ${queueId}`)
    }
    if (!Number.isInteger(flag) || (flag | 0) !== flag) throw refuse(index, `flag is not a 32-bit integer: ${flag}`)
    if (!Number.isSafeInteger(bornTimestampMs)) {
      throw refuse(index, `bornTimestampMs is not a time in milliseconds: ${bornTimestampMs}`)
    }
    const handle = this.#handles.get(topic) ?? this.#intern(topic)
    const bodyStart = this.#bodyUsed
    this.#addBody(message.body, index)
    const text = propertiesOf(message, index)
    const propertiesStart = text === '' ? 0 : this.#addProperties(text, index)
    const propertiesBytes = text === '' ? 0 : this.#batch.auxUsed - propertiesStart
    this.#batch.add(
      handle,
      queueId,
      flag,
      0,
      0,
      bornTimestampMs,
      0,
      0,
      hostBytes,
      0,
      bodyStart,
      this.#bodyUsed - bodyStart,
      propertiesStart,
      propertiesBytes,
      index === 0 ? count : 0,
    )
  }

  #intern(topic: string): TopicHandle {
    const handle = this.#handleOf(topic)
    this.#handles.set(topic, handle)
    return handle
  }

  #addBody(body: Uint8Array | string, index: number): void {
    const isText = typeof body === 'string'
    if (!isText && !isUint8Array(body)) throw refuse(index, 'body is no Buffer, Uint8Array or string')
    const bytes = isText ? Buffer.byteLength(body) : body.length
    const { maxBodyBytes, maxTotalBytes } = this.#defaults
    if (bytes > maxBodyBytes) {
      throw refuse(index, `body has ${bytes} bytes, maxBodyBytes is ${maxBodyBytes}`, 'STORE_TOO_LARGE')
    }
    const used = this.#bodyUsed + bytes
    if (used > maxTotalBytes) {
      throw refuse(
        index,
        `the bodies of this append are over one log file of ${maxTotalBytes} bytes`,
        'STORE_TOO_LARGE',
      )
    }
    if (used > this.#bodies.length) this.#growBodies(used)
    if (isText) this.#bodies.write(body, this.#bodyUsed)
    else this.#bodies.set(body, this.#bodyUsed)
    this.#bodyUsed = used
  }

  #growBodies(neededBytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(neededBytes * 2, Math.max(this.#defaults.maxTotalBytes, neededBytes)))
    this.#bodies.copy(grown, 0, 0, this.#bodyUsed)
    this.#bodies = grown
  }

  /** Gives where the text starts in the batch's own memory. */
  #addProperties(text: string, index: number): number {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_PROPERTIES_BYTES) {
      throw refuse(index, `properties take ${bytes} bytes, at most ${MAX_PROPERTIES_BYTES} fit`, 'STORE_TOO_LARGE')
    }
    const start = this.#batch.auxUsed
    if (start + bytes > this.#batch.aux.length) this.#batch = withMoreRoom(this.#batch, start + bytes)
    this.#batch.aux.write(text, start)
    this.#batch.auxUsed = start + bytes
    return start
  }
}

/** A batch whose first bytes are the address 127.0.0.1: the born host of every row. */
const makeBatch = (capacity: number, auxBytes: number): AppendBatch => {
  const batch = new AppendBatch(capacity, auxBytes)
  batch.aux.set([127, 0, 0, 1])
  return batch
}

const withMoreRoom = (batch: AppendBatch, neededBytes: number): AppendBatch => {
  const larger = makeBatch(batch.capacity, neededBytes * 2)
  batch.aux.copy(larger.aux, 0, 0, batch.auxUsed)
  larger.cells.set(batch.cells)
  larger.count = batch.count
  return larger
}

/** The stored text of tag, keys and properties, in RocketMQ's form. */
const propertiesOf = ({ tag, keys, properties }: NewMessage, index: number): string => {
  if (tag === undefined && keys === undefined && properties === undefined) return ''
  let text = ''
  if (keys !== undefined) {
    const list = typeof keys === 'string' ? [keys] : keys
    for (const key of list) {
      if (typeof key !== 'string' || key === '' || key.includes(KEY_SEPARATOR)) {
        throw refuse(index, `a key is no text without blanks: ${JSON.stringify(key)}`)
      }
    }
    if (list.length > 0) text = withProperty(text, PropertyName.KEYS, list.join(KEY_SEPARATOR), index)
  }
  if (tag !== undefined) text = withProperty(text, PropertyName.TAGS, tag, index)
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === PropertyName.KEYS || name === PropertyName.TAGS) {
      throw refuse(index, `properties has ${name}: give it as ${name === PropertyName.KEYS ? 'keys' : 'tag'}`)
    }
    text = withProperty(text, name, value, index)
  }
  return text
}

const withProperty = (text: string, name: string, value: string, index: number): string => {
  if (typeof value !== 'string' || name === '' || value === '' || hasSeparator(name) || hasSeparator(value)) {
    throw refuse(index, `${name || 'a property'} is no text, is empty, or has one of the characters U+0001 and U+0002`)
  }
  return `${text}${text === '' ? '' : PROPERTY_SEPARATOR}${name}${NAME_VALUE_SEPARATOR}${value}`
}
