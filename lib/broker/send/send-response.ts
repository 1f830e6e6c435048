import { FLAG_RESPONSE, PROTOCOL_VERSION } from '../../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import { type AnswerTo, writeJsonAnswer } from '../answer.ts'

/** Where accepted messages went; `msgId` is one offset message id, or several joined by commas for a batch. */
export interface StoredPlace {
  readonly msgId: string
  readonly queueId: number
  readonly queueOffset: number
}

/** JSON string in ASCII only, so that its length in characters is its length in bytes. */
const asciiJson = (text: string): string =>
  JSON.stringify(text).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/**
 * Writes answers to send requests. The common one (JSON, stored) is written from a template straight into the
 * connection's out buffer. Every answer carries MSG_REGION and TRACE_ON: the Java client reads them unchecked.
 */
export class SendResponseWriter {
  readonly #fixedFields: ReadonlyMap<string, string>
  readonly #beforePlace: string
  readonly #afterFields: string

  constructor(options: { readonly regionId: string; readonly traceOn: boolean }) {
    this.#fixedFields = new Map([
      ['MSG_REGION', options.regionId],
      ['TRACE_ON', String(options.traceOn)],
    ])
    this.#beforePlace = `,"extFields":{"MSG_REGION":${asciiJson(options.regionId)},"TRACE_ON":"${options.traceOn}","msgId":"`
    this.#afterFields = `"},"flag":${FLAG_RESPONSE},"language":"OTHER","opaque":`
  }

  /** The message is stored; `code` says what is known of its durability (SUCCESS or one of the timeouts). */
  stored(to: AnswerTo, code: ResponseCodeName, place: StoredPlace): void {
    if (to.serializeType !== 0) {
      this.#storedGeneric(to, code, place)
      return
    }
    const header = `{"code":${ResponseCode[code]}${this.#beforePlace}${place.msgId}","queueId":"${place.queueId}","queueOffset":"${place.queueOffset}${this.#afterFields}${to.opaque},"serializeTypeCurrentRPC":"JSON","version":${PROTOCOL_VERSION}}`
    writeJsonAnswer(to, header)
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
    extFields.set('msgId', place.msgId)
    extFields.set('queueId', String(place.queueId))
    extFields.set('queueOffset', String(place.queueOffset))
    const { opaque, serializeType } = to
    to.connection.send({ code: ResponseCode[code], opaque, flag: FLAG_RESPONSE, extFields, serializeType })
  }
}
