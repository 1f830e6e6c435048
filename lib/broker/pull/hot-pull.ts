import type { Connection, FrameHandler, FrameView } from '../../net/connection.ts'
import { ResponseError } from '../../net/handler.ts'
import { pullMessage } from '../../protocol/commands/pull-message.ts'
import { toSafeInteger } from '../../protocol/int64.ts'
import { KnownTexts } from '../../protocol/known-texts.ts'
import { FLAG_ONEWAY, FLAG_RESPONSE } from '../../protocol/remoting-command.ts'
import { compileScanner, type HeaderScanner } from '../../protocol/scanner.ts'
import { PullPlan } from './pull-plan.ts'
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

  /** Groups, topics and subscriptions come again and again. */
  readonly #texts = new KnownTexts()
  /** The pull that is read now. */
  readonly #request = new PullPlan()

  constructor(service: PullService) {
    this.#service = service
  }

  onFrame(connection: Connection, frame: FrameView): boolean {
    const scanner = this.#scanner
    if (frame.serializeType !== 0 || !scanner.scan(frame.buffer, frame.headerStart, frame.headerEnd)) return false
    if ((scanner.flag & (FLAG_ONEWAY | FLAG_RESPONSE)) !== 0) return false
    if (!scanner.has(this.#group) || !scanner.has(this.#topic)) return false
    const request = this.#request
    request.connection = connection
    request.opaque = scanner.opaque
    request.group = this.#text(this.#group)
    request.topic = this.#text(this.#topic)
    request.queueId = scanner.int(this.#queueId)
    request.queueOffset = toSafeInteger(scanner.int(this.#queueOffset))
    request.maxMessages = scanner.int(this.#maxMessages)
    request.sysFlag = scanner.int(this.#sysFlag)
    request.commitOffset = scanner.int(this.#commitOffset)
    request.suspendTimeoutMs = scanner.int(this.#suspendTimeout)
    request.subVersion = scanner.int(this.#subVersion)
    request.subscription = scanner.has(this.#subscription) ? this.#text(this.#subscription) : undefined
    request.expressionType = scanner.has(this.#expressionType) ? this.#text(this.#expressionType) : undefined
    if (hasMissingNumber(request)) return false
    try {
      this.#service.pull(request)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      const { opaque } = scanner
      connection.send({ code: error.responseCode, opaque, flag: FLAG_RESPONSE, remark: error.message })
    }
    return true
  }

  onChunkEnd(): void {}

  #text(slot: number): string {
    return this.#scanner.knownString(slot, this.#texts)
  }
}

/** NaN stands for a number that is absent or none; a sum has it when one part has it. */
const hasMissingNumber = (request: PullRequest): boolean => {
  const { queueId, queueOffset, maxMessages, sysFlag, commitOffset, suspendTimeoutMs, subVersion } = request
  return Number.isNaN(queueId + queueOffset + maxMessages + sysFlag + commitOffset + suspendTimeoutMs + subVersion)
}
