import { ApogeeError } from '../base/errors.ts'
import { type Command, decodeHeader, encodeHeader, type RequestOf, type ResponseOf } from '../protocol/command.ts'
import type { RemotingCommand } from '../protocol/remoting-command.ts'
import { ResponseCode, type ResponseCodeName } from '../protocol/response-codes.ts'
import type { Connection } from './connection.ts'

/** What a handler may know of a request besides its typed header. */
export interface RequestContext {
  readonly connection: Connection
  /** The decoded frame; its body is the handler's own copy. */
  readonly request: RemotingCommand
}

/** An answer before it has an opaque. */
export interface Answer {
  readonly code: number
  readonly remark?: string
  readonly extFields?: ReadonlyMap<string, string>
  readonly body?: Buffer
}

/** Answers one request code. Undefined = the handler answers later by itself, or never (oneway). */
export interface Handler {
  readonly command: Command
  answer(context: RequestContext): Answer | undefined | Promise<Answer | undefined>
}

/** What a peer is told of a failure at most: remarks quote what the peer sent, whatever its length. */
export const MAX_REMARK_CHARACTERS = 4_096

/** A failure that the peer is told about by response code and remark. */
export class ResponseError extends ApogeeError {
  readonly responseCode: number
  /**
   * @param name response code by its standard name, for example `TOPIC_NOT_EXIST`
   * @param remark cut at 4,096 characters
   */
  constructor(name: ResponseCodeName, remark: string, facts: { cause?: unknown } = {}) {
    super(name, remark.slice(0, MAX_REMARK_CHARACTERS), facts)
    this.responseCode = ResponseCode[name]
  }
}

/** A response header with a body, a remark or a code other than SUCCESS. */
export class Reply<H> {
  readonly header: H
  readonly parts: { readonly body?: Buffer; readonly remark?: string; readonly code?: ResponseCodeName }
  constructor(header: H, parts: Reply<H>['parts']) {
    this.header = header
    this.parts = parts
  }
}

/** Shorthand for a header with a body. */
export const reply = <H>(header: H, parts: Reply<H>['parts']): Reply<H> => new Reply(header, parts)

type Responded<C extends Command> = ResponseOf<C> | Reply<ResponseOf<C>> | undefined

/**
 * Binds a command to the function that answers it: the function gets the typed header and returns the typed response
 * header (or a `Reply`, or undefined to answer later), or throws a `ResponseError`.
 */
export const handler = <C extends Command>(
  command: C,
  respond: (header: RequestOf<C>, context: RequestContext) => Responded<C> | Promise<Responded<C>>,
): Handler => {
  const toAnswer = (responded: Responded<C>): Answer | undefined => {
    if (responded === undefined) return undefined
    if (!(responded instanceof Reply)) {
      return { code: ResponseCode.SUCCESS, extFields: encodeHeader(command.response, responded as never) }
    }
    const { body, remark, code = 'SUCCESS' } = responded.parts
    return {
      code: ResponseCode[code],
      extFields: encodeHeader(command.response, responded.header as never),
      ...(body === undefined ? {} : { body }),
      ...(remark === undefined ? {} : { remark }),
    }
  }
  return {
    command,
    answer(context) {
      const header = decodeHeader(command.request, context.request.extFields, command.wireNames) as RequestOf<C>
      const responded = respond(header, context)
      return responded instanceof Promise ? responded.then(toAnswer) : toAnswer(responded)
    },
  }
}
