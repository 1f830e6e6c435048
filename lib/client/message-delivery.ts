import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'
import type { MessageQueue, ReceivedMessage } from './message.ts'
import type { TakenMessage } from './process-queue.ts'
import { receivedMessage } from './received-message.ts'
import { within } from './within.ts'

/** Handles one message. Throwing or rejecting means: not done, try again later. */
export type OnMessage = (message: ReceivedMessage) => Promise<void> | void

/** Where messages come from, and what is said of them afterwards. */
export interface MessageSource {
  readonly queue: MessageQueue
  /** False when the message no longer is this client's to handle. */
  isWanted(taken: TakenMessage): boolean
  done(taken: TakenMessage): void
}

interface Work {
  readonly taken: TakenMessage
  readonly source: MessageSource
  /** Its handler waits for `drain` to end, so that `drain` must not wait for it. */
  excused: boolean
}

interface Options {
  readonly group: string
  /** Handlers running at once. */
  readonly concurrency: number
  readonly clock: Clock
  readonly logger: Logger
  readonly onMessage: OnMessage
}

const FIRST_RETRY_DELAY_MS = 1_000
const MAX_RETRY_DELAY_MS = 60_000

/** 1 s after the first failure, then twice as long each time, at most a minute. */
export const retryDelayMs = (failures: number): number =>
  Math.min(FIRST_RETRY_DELAY_MS * 2 ** (failures - 1), MAX_RETRY_DELAY_MS)

/** Hands messages to the handler, a number of them at once, and those that fail again after a delay. */
export class MessageDelivery {
  readonly #options: Options
  readonly #insideHandler = new AsyncLocalStorage<Work>()
  readonly #active = new Set<Work>()
  /** In order of arrival. Those before `#next` have been taken. */
  #waiting: Work[] = []
  #next = 0
  #closed = false
  #onSettled: () => void = () => undefined

  constructor(options: Options) {
    this.#options = options
  }

  add(source: MessageSource, taken: readonly TakenMessage[]): void {
    for (const one of taken) this.#waiting.push({ taken: one, source, excused: false })
    this.#pump()
  }

  /**
   * Starts no more handlers and waits for those that run, at most `timeoutMs`. A handler that calls this (or what calls
   * this) is not waited for.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#closed = true
    this.#waiting = []
    this.#next = 0
    const { clock, logger } = this.#options
    const settled = new Promise<void>((resolve) => {
      this.#onSettled = () => {
        if ([...this.#active].every((work) => work.excused)) resolve()
      }
    })
    this.#onSettled()
    const inTime = await within(clock, timeoutMs, settled)
    // A handler that asked for the end and does not wait for it ends now: its message is done.
    await nextTurn()
    if (inTime) return
    logger.warn({}, `${this.#active.size} handlers still run after ${timeoutMs} ms; their messages will be repeated`)
  }

  /** Called inside a handler: `drain` does not wait for that handler. */
  excuseCaller(): void {
    const work = this.#insideHandler.getStore()
    if (work === undefined) return
    work.excused = true
    this.#onSettled()
  }

  #pump(): void {
    while (!this.#closed && this.#active.size < this.#options.concurrency && this.#next < this.#waiting.length) {
      const work = this.#waiting[this.#next]!
      this.#next += 1
      if (work.source.isWanted(work.taken)) void this.#run(work)
    }
    if (this.#next * 2 < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#next)
    this.#next = 0
  }

  async #run(work: Work): Promise<void> {
    const { group, onMessage } = this.#options
    const { taken, source } = work
    this.#active.add(work)
    try {
      // Async: what the handler throws before its first await counts as well.
      await this.#insideHandler.run(work, async () => onMessage(receivedMessage(taken, source.queue, group)))
      source.done(taken)
    } catch (error) {
      this.#failed(work, error)
    }
    this.#active.delete(work)
    this.#onSettled()
    this.#pump()
  }

  #failed({ taken, source }: Work, error: unknown): void {
    const { clock, logger } = this.#options
    taken.failures += 1
    const delayMs = retryDelayMs(taken.failures)
    const { topic, queueId, brokerName } = source.queue
    const message = `${topic}:${queueId} on ${brokerName} at ${taken.record.queueOffset}`
    logger.warn(
      { error, failures: taken.failures },
      `message ${message} failed, again in ${delayMs} ms: ${errorText(error)}`,
    )
    clock.after(delayMs, () => {
      if (!this.#closed && source.isWanted(taken)) this.add(source, [taken])
    })
  }
}
