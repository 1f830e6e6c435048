import { HEX_64_BYTES, MAX_DECIMAL_BYTES, writeDecimal, writeHex64 } from '../../protocol/ascii-digits.ts'
import { FRAME_PREFIX_BYTES } from '../../protocol/frame.ts'
import { FLAG_RESPONSE, PROTOCOL_VERSION } from '../../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import { type AnswerTo, writeJsonAnswer } from '../answer.ts'

/** Where accepted messages went. */
export interface StoredPlace {
  /** Of one message, or of each of a client batch. */
  readonly physicalOffsets: number | readonly number[]
  readonly queueId: number
  /** Of the first. */
  readonly queueOffset: number
  /** What calls the message off that waits for its delivery time. */
  readonly recallHandle?: string | undefined
}

/** JSON string in ASCII only, so that its length in characters is its length in bytes. */
const asciiJson = (text: string): string =>
  JSON.stringify(text).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** What stands between the numbers of an answer. */
const beforeQueueId = Buffer.from('","queueId":"')
const beforeQueueOffset = Buffer.from('","queueOffset":"')
const beforeRecallHandle = Buffer.from('","recallHandle":"')
const beforeOpaque = Buffer.from(`"},"flag":${FLAG_RESPONSE},"language":"OTHER","opaque":`)
const afterOpaque = Buffer.from(`,"serializeTypeCurrentRPC":"JSON","version":${PROTOCOL_VERSION}}`)
const NUMBERS_BYTES = HEX_64_BYTES + 3 * MAX_DECIMAL_BYTES

const append = (bytes: Buffer, into: Buffer, at: number): number => {
  into.set(bytes, at)
  return at + bytes.length
}

/**
 * Writes answers to send requests. The common one (JSON, one message stored) is written as bytes straight into the
 * connection's out buffer. Every answer carries MSG_REGION and TRACE_ON: the Java client reads them unchecked. The
 * field msgId is the offset message id, of a batch the ids joined by commas: store host and physical offset in hex.
 */
export class SendResponseWriter {
  readonly #fixedFields: ReadonlyMap<string, string>
  readonly #storeHostHex: string
  readonly #afterCode: string
  /** The usual answer, both length words included, up to the physical offset. */
  readonly #usualStart: Buffer
  readonly #usualBound: number

  constructor(options: {
    readonly regionId: string
    readonly traceOn: boolean
    /** Address and port of the store host in network order, 8 or 20 bytes. */
    readonly storeHost: Buffer
  }) {
    const { regionId, traceOn, storeHost } = options
    this.#fixedFields = new Map([
      ['MSG_REGION', regionId],
      ['TRACE_ON', String(traceOn)],
    ])
    this.#storeHostHex = storeHost.toString('hex').toUpperCase()
    this.#afterCode = `,"extFields":{"MSG_REGION":${asciiJson(regionId)},"TRACE_ON":"${traceOn}","msgId":"`
    const start = `{"code":${ResponseCode.SUCCESS}${this.#afterCode}${this.#storeHostHex}`
    this.#usualStart = Buffer.concat([Buffer.alloc(FRAME_PREFIX_BYTES), Buffer.from(start)])
    const fixedBytes = beforeQueueId.length + beforeQueueOffset.length + beforeOpaque.length + afterOpaque.length
    this.#usualBound = this.#usualStart.length + fixedBytes + NUMBERS_BYTES
  }

  /** The message is stored; `code` says what is known of its durability (SUCCESS or one of the timeouts). */
  stored(to: AnswerTo, code: ResponseCodeName, place: StoredPlace): void {
    const { physicalOffsets, queueId, queueOffset } = place
    if (to.serializeType !== 0) this.#storedGeneric(to, code, place)
    else if (code === 'SUCCESS' && typeof physicalOffsets === 'number') {
      this.storedOne(to, physicalOffsets, queueId, queueOffset, place.recallHandle)
    } else {
      const recall = place.recallHandle === undefined ? '' : `","recallHandle":"${place.recallHandle}`
      const fields = `${this.#messageIds(place)}","queueId":"${queueId}","queueOffset":"${queueOffset}${recall}`
      const header = `{"code":${ResponseCode[code]}${this.#afterCode}${fields}${beforeOpaque}${to.opaque}${afterOpaque}`
      writeJsonAnswer(to, header)
    }
  }

  /** As `stored` with SUCCESS, of one message, to a sender that speaks JSON. */
  storedOne(to: AnswerTo, physicalOffset: number, queueId: number, queueOffset: number, recallHandle = ''): void {
    const { outbox } = to.connection
    const start = outbox.reserve(this.#usualBound + beforeRecallHandle.length + recallHandle.length)
    const { buffer } = outbox
    let at = append(this.#usualStart, buffer, start)
    at = writeHex64(physicalOffset, buffer, at)
    at = append(beforeQueueId, buffer, at)
    at = writeDecimal(queueId, buffer, at)
    at = append(beforeQueueOffset, buffer, at)
    at = writeDecimal(queueOffset, buffer, at)
    if (recallHandle !== '') {
      at = append(beforeRecallHandle, buffer, at)
      at += buffer.write(recallHandle, at, 'latin1')
    }
    at = append(beforeOpaque, buffer, at)
    at = writeDecimal(to.opaque, buffer, at)
    at = append(afterOpaque, buffer, at)
    buffer.writeInt32BE(at - start - 4, start)
    // The serialize type above the header's length is 0: JSON.
    buffer.writeInt32BE(at - start - FRAME_PREFIX_BYTES, start + 4)
    outbox.commit(start, at)
  }

  /** The message was not stored, or nothing can be said of it. */
  refused(to: AnswerTo, code: number, remark: string): void {
    to.connection.send({
      code,
      opaque: to.opaque,
      flag: FLAG_RESPONSE,
      remark,
      extFields: this.#fixedFields,
      serializeType: to.serializeType,
    })
  }

  #storedGeneric(to: AnswerTo, code: ResponseCodeName, place: StoredPlace): void {
    const extFields = new Map(this.#fixedFields)
    extFields.set('msgId', this.#messageIds(place))
    extFields.set('queueId', String(place.queueId))
    extFields.set('queueOffset', String(place.queueOffset))
    if (place.recallHandle !== undefined) extFields.set('recallHandle', place.recallHandle)
    const { opaque, serializeType } = to
    to.connection.send({ code: ResponseCode[code], opaque, flag: FLAG_RESPONSE, extFields, serializeType })
  }

  #messageIds({ physicalOffsets }: StoredPlace): string {
    const offsets = typeof physicalOffsets === 'number' ? [physicalOffsets] : physicalOffsets
    return offsets.map((offset) => this.#storeHostHex + offset.toString(16).toUpperCase().padStart(16, '0')).join(',')
  }
}
