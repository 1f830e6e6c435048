import type { Clock } from '../base/clock.ts'
import { ApogeeError, errorText } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'
import { ThrottledLog } from '../base/throttled-log.ts'
import { HeaderError } from '../protocol/command.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { FLAG_RESPONSE, isOneway, type RemotingCommand } from '../protocol/remoting-command.ts'
import { requestCodeName } from '../protocol/request-codes.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { formatAddress } from './address.ts'
import type { Connection, FrameHandler } from './connection.ts'
import { type Answer, type Handler, MAX_REMARK_CHARACTERS, ResponseError } from './handler.ts'

/**
 * What happens to a request code without a handler: brokers and clients answer REQUEST_CODE_NOT_SUPPORTED, the 4.9
 * name server says nothing, so that its peer runs into its own timeout.
 */
export type UnknownCodePolicy = 'answer-not-supported' | 'silent'

const NO_FRAME_HANDLERS: ReadonlyMap<number, FrameHandler> = new Map()

const byCode = (handlers: readonly Handler[]): ReadonlyMap<number, Handler> => {
  const table = new Map<number, Handler>()
  for (const handler of handlers) {
    if (table.has(handler.command.code)) throw new Error(`two handlers answer ${handler.command.name}`)
    table.set(handler.command.code, handler)
  }
  return table
}

const errorAnswer = (code: number, error: unknown): Answer => ({
  code,
  remark: errorText(error).slice(0, MAX_REMARK_CHARACTERS),
})

/** Finds the handler of a request, and turns what it returns or throws into one response. */
export class Dispatcher {
  readonly #handlers: ReadonlyMap<number, Handler>
  readonly #frameHandlers: ReadonlyMap<number, FrameHandler>
  readonly #unknownCode: UnknownCodePolicy
  readonly #logger: Logger
  readonly #failures: ThrottledLog

  constructor(parts: {
    handlers: readonly Handler[]
    frameHandlers?: ReadonlyMap<number, FrameHandler> | undefined
    unknownCode: UnknownCodePolicy
    clock: Clock
    logger: Logger
  }) {
    this.#handlers = byCode(parts.handlers)
    this.#frameHandlers = parts.frameHandlers ?? NO_FRAME_HANDLERS
    this.#unknownCode = parts.unknownCode
    this.#logger = parts.logger
    this.#failures = new ThrottledLog(parts.clock, parts.logger)
  }

  /** Whether any code is taken straight from the receive buffer. */
  get hasFrameHandlers(): boolean {
    return this.#frameHandlers.size > 0
  }

  frameHandler(code: number): FrameHandler | undefined {
    return this.#frameHandlers.get(code)
  }

  /**
   * Answers one request on its connection, now or later. Never throws.
   * @param request its body must be a copy
   * @param frameBytes counted as in flight until the answer is known
   */
  dispatch(connection: Connection, request: RemotingCommand, frameBytes: number): void {
    const handler = this.#handlers.get(request.code)
    if (handler === undefined) {
      this.#refuse(connection, request)
      return
    }
    let answer: Answer | undefined | Promise<Answer | undefined>
    try {
      answer = handler.answer({ connection, request })
    } catch (error) {
      answer = this.#failed(connection, request, error)
    }
    if (answer instanceof Promise) this.#answerLater(connection, request, frameBytes, answer)
    else this.#respond(connection, request, answer)
  }

  /** Answers a request that could not be handed to its handler. */
  fail(connection: Connection, request: RemotingCommand, error: unknown): void {
    this.#respond(connection, request, this.#failed(connection, request, error))
  }

  #answerLater(
    connection: Connection,
    request: RemotingCommand,
    frameBytes: number,
    answer: Promise<Answer | undefined>,
  ): void {
    connection.begin(frameBytes)
    answer
      .catch((error: unknown) => this.#failed(connection, request, error))
      .then((settled) => this.#respond(connection, request, settled))
      .finally(() => connection.end(frameBytes))
  }

  #refuse(connection: Connection, request: RemotingCommand): void {
    const facts = { peer: formatAddress(connection.remote), code: request.code }
    this.#logger.debug(facts, 'request code without a handler')
    if (this.#unknownCode === 'silent') return
    const remark = ` request type ${request.code} not supported`
    this.#respond(connection, request, { code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark })
  }

  #failed(connection: Connection, request: RemotingCommand, error: unknown): Answer {
    if (error instanceof ResponseError) return errorAnswer(error.responseCode, error)
    if (!(error instanceof HeaderError || error instanceof ProtocolError)) this.#report(connection, request, error)
    return errorAnswer(ResponseCode.SYSTEM_ERROR, error)
  }

  #report(connection: Connection, request: RemotingCommand, error: unknown): void {
    const facts = { peer: formatAddress(connection.remote), request: requestCodeName(request.code), error }
    if (error instanceof ApogeeError) this.#failures.warn(facts, `a request failed: ${error.message}`)
    else this.#logger.error(facts, 'a handler failed')
  }

  #respond(connection: Connection, request: RemotingCommand, answer: Answer | undefined): void {
    if (answer === undefined || isOneway(request)) return
    const { opaque, serializeType } = request
    try {
      connection.send({ ...answer, opaque, flag: FLAG_RESPONSE, serializeType })
    } catch (error) {
      const failed = this.#failed(connection, request, error)
      connection.send({ ...failed, opaque, flag: FLAG_RESPONSE, serializeType })
    }
  }
}
