import type { Connection, FrameHandler, FrameView } from '../../net/connection.ts'
import { ResponseError } from '../../net/handler.ts'
import { pullMessage } from '../../protocol/commands/pull-message.ts'
import { toSafeInteger } from '../../protocol/int64.ts'
import { FLAG_ONEWAY, FLAG_RESPONSE } from '../../protocol/remoting-command.ts'
import { compileScanner, type HeaderScanner } from '../../protocol/scanner.ts'
import type { PullRequest } from './pull-request.ts'
import type { PullService } from './pull-service.ts'

/** Pulls straight from the receive buffer; other header encodings go to the generic handler. */
export class HotPull implements FrameHandler {
  readonly #service: PullService
  readonly #scanner: HeaderScanner = compileScanner(pullMessage)
  readonly #group = this.#scanner.slotOf('consumerGroup')
  readonly #topic = this.#scanner.slotOf('topic')
  readonly #queueId = this.#scanner.slotOf('queueId')
  readonly #queueOffset = this.#scanner.slotOf('queueOffset')
  readonly #maxMessages = this.#scanner.slotOf('maxMsgNums')
  readonly #sysFlag = this.#scanner.slotOf('sysFlag')
  readonly #commitOffset = this.#scanner.slotOf('commitOffset')
  readonly #suspendTimeout = this.#scanner.slotOf('suspendTimeoutMillis')
  readonly #subVersion = this.#scanner.slotOf('subVersion')
  readonly #subscription = this.#scanner.slotOf('subscription')
  readonly #expressionType = this.#scanner.slotOf('expressionType')

  constructor(service: PullService) {
    this.#service = service
  }

  onFrame(connection: Connection, frame: FrameView): boolean {
    const scanner = this.#scanner
    if (frame.serializeType !== 0 || !scanner.scan(frame.buffer, frame.headerStart, frame.headerEnd)) return false
    if ((scanner.flag & (FLAG_ONEWAY | FLAG_RESPONSE)) !== 0) return false
    if (!scanner.has(this.#group) || !scanner.has(this.#topic)) return false
    const { opaque } = scanner
    const request: PullRequest = {
      to: { connection, opaque, serializeType: 0 },
      oneway: false,
      group: scanner.string(this.#group),
      topic: scanner.string(this.#topic),
      queueId: scanner.int(this.#queueId),
      queueOffset: toSafeInteger(scanner.int(this.#queueOffset)),
      maxMessages: scanner.int(this.#maxMessages),
      sysFlag: scanner.int(this.#sysFlag),
      commitOffset: scanner.int(this.#commitOffset),
      suspendTimeoutMs: scanner.int(this.#suspendTimeout),
      subVersion: scanner.int(this.#subVersion),
      subscription: this.#textOf(this.#subscription),
      expressionType: this.#textOf(this.#expressionType),
    }
    if (hasMissingNumber(request)) return false
    try {
      this.#service.pull(request)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      connection.send({ code: error.responseCode, opaque, flag: FLAG_RESPONSE, remark: error.message })
    }
    return true
  }

  onChunkEnd(): void {}

  #textOf(slot: number): string | undefined {
    return this.#scanner.has(slot) ? this.#scanner.string(slot) : undefined
  }
}

/** NaN stands for a number that is absent or none; a sum has it when one part has it. */
const hasMissingNumber = (request: PullRequest): boolean => {
  const { queueId, queueOffset, maxMessages, sysFlag, commitOffset, suspendTimeoutMs, subVersion } = request
  return Number.isNaN(queueId + queueOffset + maxMessages + sysFlag + commitOffset + suspendTimeoutMs + subVersion)
}
