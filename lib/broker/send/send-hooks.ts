import type { Logger } from '../../base/logging.ts'
import { ResponseError } from '../../net/handler.ts'
import { hostText } from '../../protocol/host-address.ts'
import { ResponseCode, type ResponseCodeName } from '../../protocol/response-codes.ts'
import type { AnswerTo } from '../answer.ts'
import { SendResponseWriter, type StoredPlace } from './send-response.ts'

/** A send as hooks see it. */
export interface HookedSend {
  readonly producerGroup: string
  readonly topic: string
  /** As asked for; negative when the broker is to choose. */
  readonly queueId: number
  /** host:port of the producer. */
  readonly bornHost: string
  /** Milliseconds since the epoch, by the producer's clock. */
  readonly bornTimestampMs: number
  readonly bodyBytes: number
  /** Property text as sent: name U+0001 value, joined by U+0002. */
  readonly properties: string
  readonly isBatch: boolean
}

/** What a send was answered. */
export interface HookedAnswer {
  /** Response code: 0, one of the timeouts (stored, not known to be durable), or why it was refused. */
  readonly code: number
  readonly remark: string | undefined
  /** Where the first message went; undefined when none was stored. */
  readonly physicalOffset: number | undefined
  readonly queueId: number | undefined
  readonly queueOffset: number | undefined
}

/**
 * Code of the embedding program that sees sends, as Java's SendMessageHook. With hooks all sends take the generic path,
 * which is a third as fast. What a hook throws is logged and ignored, a {@link ResponseError} in `before` apart: with
 * that the send is refused.
 */
export interface SendHook {
  /** For log lines. */
  readonly name: string
  /** Before anything is checked. Must not block. */
  before?(send: HookedSend): void
  /** When the answer is written. Sends that want no answer have none. Must not block. */
  after?(send: HookedSend, answer: HookedAnswer): void
}

interface ObservedAnswerTo extends AnswerTo {
  readonly observe?: (answer: HookedAnswer) => void
}

/** Runs the hooks of a broker. */
export class SendHooks {
  readonly #hooks: readonly SendHook[]
  readonly #logger: Logger

  constructor(hooks: readonly SendHook[], logger: Logger) {
    this.#hooks = hooks
    this.#logger = logger
  }

  get isEmpty(): boolean {
    return this.#hooks.length === 0
  }

  /**
   * Runs `before` of all hooks. Whom to answer from now on, so that the answer is seen.
   * @throws {ResponseError} when a hook refuses the send
   */
  begin(
    to: AnswerTo,
    header: Pick<HookedSend, 'producerGroup' | 'topic' | 'queueId'> & {
      readonly bornTimestamp: number
      readonly properties?: string | undefined
    },
    bodyBytes: number,
    isBatch: boolean,
  ): AnswerTo {
    const { producerGroup, topic, queueId, bornTimestamp: bornTimestampMs, properties = '' } = header
    const bornHost = hostText(to.connection.remote)
    const send = { producerGroup, topic, queueId, bornHost, bornTimestampMs, bodyBytes, properties, isBatch }
    for (const hook of this.#hooks) this.#run(hook, () => hook.before?.(send))
    const observe = (answer: HookedAnswer): void => {
      for (const hook of this.#hooks) this.#run(hook, () => hook.after?.(send, answer), false)
    }
    const observed: ObservedAnswerTo = { ...to, observe }
    return observed
  }

  #run(hook: SendHook, call: () => void, mayRefuse = true): void {
    try {
      call()
    } catch (error) {
      if (mayRefuse && error instanceof ResponseError) throw error
      this.#logger.warn({ error, hook: hook.name }, 'a send hook failed')
    }
  }
}

const NOWHERE = { physicalOffset: undefined, queueId: undefined, queueOffset: undefined }

/** Tells hooks what is answered. */
export class ObservedResponseWriter extends SendResponseWriter {
  override stored(to: ObservedAnswerTo, code: ResponseCodeName, place: StoredPlace): void {
    super.stored(to, code, place)
    // One message in JSON with SUCCESS goes on to `storedOne`, which tells.
    if (to.serializeType === 0 && code === 'SUCCESS' && typeof place.physicalOffsets === 'number') return
    const { physicalOffsets, queueId, queueOffset } = place
    const physicalOffset = typeof physicalOffsets === 'number' ? physicalOffsets : physicalOffsets[0]
    to.observe?.({ code: ResponseCode[code], remark: undefined, physicalOffset, queueId, queueOffset })
  }

  override storedOne(to: ObservedAnswerTo, physicalOffset: number, queueId: number, queueOffset: number): void {
    super.storedOne(to, physicalOffset, queueId, queueOffset)
    to.observe?.({ code: ResponseCode.SUCCESS, remark: undefined, physicalOffset, queueId, queueOffset })
  }

  override refused(to: ObservedAnswerTo, code: number, remark: string): void {
    super.refused(to, code, remark)
    to.observe?.({ code, remark, ...NOWHERE })
  }
}
