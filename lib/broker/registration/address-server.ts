import type { Clock, TimerHandle } from '../../base/clock.ts'
import { ApogeeError, errorText } from '../../base/errors.ts'
import type { Stoppable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logging.ts'
import { nameServerAddresses } from '../config/name-server-addresses.ts'

const TIMEOUT_MS = 3_000
const SECOND_MS = 10_000
const PERIOD_MS = 120_000
/** Room for some thousand addresses. */
const MAX_ANSWER_BYTES = 64 * 1024
const OK = 200

/** What asking an address server needs. */
export interface AddressServerParts {
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  /** Told at first and when it changed; at least one address. */
  readonly onAddresses: (addresses: readonly string[]) => void
}

/**
 * Asks over HTTP which name servers there are: at the start, 10 s later and then every two minutes. Whatever goes wrong,
 * and an empty answer, leaves the last known ones.
 */
export class AddressServer implements Stoppable {
  readonly #parts: AddressServerParts
  #timer: TimerHandle | undefined
  #asking: Promise<void> | undefined
  #abort: AbortController | undefined
  #known = ''

  constructor(parts: AddressServerParts) {
    this.#parts = parts
  }

  /** Resolves when the first answer is in, or there is none within 3 s. */
  start(): Promise<void> {
    this.#timer = this.#parts.clock.every(PERIOD_MS, () => void this.ask(), SECOND_MS)
    return this.ask()
  }

  /** Asks now, unless that is under way. Never rejects. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#abort?.abort()
    await this.#asking
  }

  async #ask(): Promise<void> {
    const { url, clock, logger, onAddresses } = this.#parts
    const abort = new AbortController()
    this.#abort = abort
    const timeout = clock.after(TIMEOUT_MS, () => abort.abort(new Error(`no answer in ${TIMEOUT_MS} ms`)))
    try {
      const addresses = nameServerAddresses(url, firstLine(await textAt(url, abort.signal)))
      const text = addresses.join(';')
      if (text === '' || text === this.#known) return
      logger.info({ before: this.#known, nameServers: text }, 'name servers by the address server')
      this.#known = text
      onAddresses(addresses)
    } catch (error) {
      logger.warn({ error }, `no name servers by the address server: ${errorText(error)}`)
    } finally {
      timeout.cancel()
    }
  }
}

const firstLine = (text: string): string => text.trim().split(/[\r\n]/, 1)[0]!

const failed = (url: string, why: string, cause?: unknown): ApogeeError =>
  new ApogeeError('ADDRESS_SERVER_FAILED', `${url}: ${why}`, { retryable: true, cause })

const textAt = async (url: string, signal: AbortSignal): Promise<string> => {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw failed(url, errorText(signal.aborted ? signal.reason : ((cause as Error).cause ?? cause)), cause)
  })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_ANSWER_BYTES) throw failed(url, `its answer has more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  if (response.status !== OK) throw failed(url, `its answer is ${response.status}`)
  return Buffer.concat(chunks).toString()
}
