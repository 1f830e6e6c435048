import { readInt64 } from '../../protocol/int64.ts'
import { MAGIC_V2 } from '../../protocol/message-codec.ts'
import { PropertyName } from '../../protocol/properties.ts'
import { MessageSysFlag } from '../../protocol/sys-flags.ts'

const PROPERTY_SEPARATOR = '\x02'
const PROPERTY_SEPARATOR_CODE = 2
const DIGIT_0 = 48
const DIGIT_9 = 57
const BORN_HOST_AT = 48

/** What stands before the values of the properties that a timer goes by. */
const before = (name: string): string => `${name}\x01`
const OUT_MS = before(PropertyName.TIMER_OUT_MS)
const DEL_UNIQKEY = before(PropertyName.TIMER_DEL_UNIQKEY)
const REAL_TOPIC = before(PropertyName.REAL_TOPIC)
const REAL_QUEUE_ID = before(PropertyName.REAL_QUEUE_ID)
const UNIQ_KEY = before(PropertyName.UNIQ_KEY)

/**
 * One record of the timer queue, read where it stands: no object and no text per record. Reused; what it says holds
 * until the next `read`.
 */
export class TimerRecord {
  buffer: Buffer = Buffer.alloc(0)
  sizeBytes = 0
  bornHostStart = 0
  bornHostBytes = 0
  bodyStart = 0
  bodyEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
  #start = 0
  #reconsumeAt = 0
  /** Property text, a character for each byte. */
  #properties = ''

  /** The record that starts there, whole and as the store gave it. */
  read(buffer: Buffer, start: number): void {
    this.buffer = buffer
    this.#start = start
    this.sizeBytes = buffer.readInt32BE(start)
    const sysFlag = this.sysFlag
    this.bornHostStart = start + BORN_HOST_AT
    this.bornHostBytes = sysFlag & MessageSysFlag.BORN_HOST_V6 ? 16 : 4
    const storeHostAt = this.bornHostStart + this.bornHostBytes + 4 + 8
    this.#reconsumeAt = storeHostAt + (sysFlag & MessageSysFlag.STORE_HOST_V6 ? 16 : 4) + 4
    this.bodyStart = this.#reconsumeAt + 16
    this.bodyEnd = this.bodyStart + buffer.readInt32BE(this.bodyStart - 4)
    const hasLongTopic = buffer.readInt32BE(start + 4) === MAGIC_V2
    const topicStart = this.bodyEnd + (hasLongTopic ? 2 : 1)
    const topicBytes = hasLongTopic ? buffer.readUInt16BE(this.bodyEnd) : buffer[this.bodyEnd]!
    this.propertiesStart = topicStart + topicBytes + 2
    this.propertiesEnd = this.propertiesStart + buffer.readInt16BE(this.propertiesStart - 2)
    this.#properties = buffer.toString('latin1', this.propertiesStart, this.propertiesEnd)
  }

  get queueOffset(): number {
    return readInt64(this.buffer, this.#start + 20)
  }
  get physicalOffset(): number {
    return readInt64(this.buffer, this.#start + 28)
  }
  get flag(): number {
    return this.buffer.readInt32BE(this.#start + 16)
  }
  get sysFlag(): number {
    return this.buffer.readInt32BE(this.#start + 36)
  }
  get bornTimestampMs(): number {
    return readInt64(this.buffer, this.#start + 40)
  }
  get bornPort(): number {
    return this.buffer.readInt32BE(this.bornHostStart + this.bornHostBytes)
  }
  get reconsumeTimes(): number {
    return this.buffer.readInt32BE(this.#reconsumeAt)
  }

  /** When it is due, milliseconds since the epoch: behind `TIMER_OUT_MS`. NaN when it does not say. */
  get dueMs(): number {
    const out = this.#number(OUT_MS)
    return Number.isSafeInteger(out) ? out + 1 : Number.NaN
  }
  /** What it calls off: topic and client's message id, joined by `+`. */
  get recalledKey(): string | undefined {
    return this.#text(DEL_UNIQKEY)
  }
  get realTopic(): string | undefined {
    return this.#text(REAL_TOPIC)
  }
  /** NaN when it does not say. */
  get realQueueId(): number {
    return this.#number(REAL_QUEUE_ID)
  }
  get uniqKey(): string | undefined {
    return this.#text(UNIQ_KEY)
  }

  #number(name: string): number {
    const start = this.#valueStart(name)
    if (start < 0) return Number.NaN
    const properties = this.#properties
    let number = 0
    let at = start
    for (; at < properties.length; at++) {
      const code = properties.charCodeAt(at)
      if (code === PROPERTY_SEPARATOR_CODE) break
      if (code < DIGIT_0 || code > DIGIT_9) return Number.NaN
      number = number * 10 + code - DIGIT_0
    }
    return at > start ? number : Number.NaN
  }

  #text(name: string): string | undefined {
    const start = this.#valueStart(name)
    if (start < 0) return undefined
    const found = this.#properties.indexOf(PROPERTY_SEPARATOR, start)
    const end = found < 0 ? this.#properties.length : found
    return this.buffer.toString('utf8', this.propertiesStart + start, this.propertiesStart + end)
  }

  /** Where the value behind a name begins; -1: there is no such property. */
  #valueStart(name: string): number {
    const properties = this.#properties
    let at = properties.indexOf(name)
    while (at > 0 && properties.charCodeAt(at - 1) !== PROPERTY_SEPARATOR_CODE) at = properties.indexOf(name, at + 1)
    return at < 0 ? -1 : at + name.length
  }
}
