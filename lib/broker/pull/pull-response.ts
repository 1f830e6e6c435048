import { FLAG_RESPONSE, PROTOCOL_VERSION } from '../../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import { type AnswerTo, writeJsonAnswer } from '../answer.ts'

/** The header of a pull's answer. */
export interface PullAnswer {
  readonly code: ResponseCodeName
  /** Java's name of what the pull found, for example FOUND. */
  readonly remark: string
  readonly suggestWhichBrokerId: number
  readonly nextBeginOffset: number
  readonly minOffset: number
  readonly maxOffset: number
}

/** Writes a pull's answer with `bodyBytes` of `body` behind it, straight into the connection's out buffer. */
export const writePullAnswer = (to: AnswerTo, answer: PullAnswer, body: Buffer, bodyBytes: number): void => {
  if (to.serializeType !== 0) {
    writeGeneric(to, answer, body, bodyBytes)
    return
  }
  const header = `{"code":${ResponseCode[answer.code]},"extFields":{"maxOffset":"${answer.maxOffset}","minOffset":"${answer.minOffset}","nextBeginOffset":"${answer.nextBeginOffset}","suggestWhichBrokerId":"${answer.suggestWhichBrokerId}"},"flag":${FLAG_RESPONSE},"language":"OTHER","opaque":${to.opaque},"remark":"${answer.remark}","serializeTypeCurrentRPC":"JSON","version":${PROTOCOL_VERSION}}`
  writeJsonAnswer(to, header, body, bodyBytes)
}

const writeGeneric = (to: AnswerTo, answer: PullAnswer, body: Buffer, bodyBytes: number): void => {
  to.connection.send({
    code: ResponseCode[answer.code],
    opaque: to.opaque,
    flag: FLAG_RESPONSE,
    remark: answer.remark,
    serializeType: to.serializeType,
    extFields: new Map([
      ['suggestWhichBrokerId', String(answer.suggestWhichBrokerId)],
      ['nextBeginOffset', String(answer.nextBeginOffset)],
      ['minOffset', String(answer.minOffset)],
      ['maxOffset', String(answer.maxOffset)],
    ]),
    ...(bodyBytes > 0 ? { body: Buffer.from(body.subarray(0, bodyBytes)) } : {}),
  })
}
