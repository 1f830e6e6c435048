import { writeAtomically } from '../base/atomic-file.ts'
import type { Clock, TimerHandle } from '../base/clock.ts'
import { ApogeeError, errorText } from '../base/errors.ts'
import type { Logger } from '../base/logging.ts'

/** How long changes are collected before they are written together. */
const COLLECT_MS = 100
const RETRY_MS = 1000

/** What a state file needs from its owner. */
export interface StateFileOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  /** The whole file, as it is now; what changes while it is made is to be announced. */
  readonly encode: () => Buffer | Promise<Buffer>
}

/**
 * One JSON file of broker state. Changes are announced and written together a moment later; a failed write is logged
 * and tried again each second.
 */
export class StateFile {
  readonly #options: StateFileOptions
  #dirty = false
  #timer: TimerHandle | undefined
  #writing: Promise<void> | undefined

  constructor(options: StateFileOptions) {
    this.#options = options
  }

  /** Something changed: the file will be written soon. */
  changed(): void {
    this.#dirty = true
    this.#timer ??= this.#options.clock.after(COLLECT_MS, () => this.#writeLogged())
  }

  /**
   * Resolves when all changes announced so far are on the device.
   * @throws the system's error; the change stays announced and is tried again
   */
  async flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#writing?.catch(() => undefined)
    while (this.#dirty) await this.#write()
  }

  /** Writes what is left and stops. @throws {ApogeeError} `STATE_NOT_SAVED` */
  async stop(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      throw new ApogeeError('STATE_NOT_SAVED', `${this.#options.path}: ${errorText(error)}`, { cause: error })
    } finally {
      this.#timer?.cancel()
    }
  }

  #write(): Promise<void> {
    this.#dirty = false
    const before = this.#writing?.catch(() => undefined) ?? Promise.resolve()
    const write = before
      .then(() => this.#replace())
      .catch((error: unknown) => {
        this.#dirty = true
        this.#timer ??= this.#options.clock.after(RETRY_MS, () => this.#writeLogged())
        throw error
      })
    this.#writing = write
    return write
  }

  /** One at a time: what was made first is written first. */
  async #replace(): Promise<void> {
    const { path, encode } = this.#options
    await writeAtomically(path, (await encode()).toString())
  }

  #writeLogged(): void {
    this.#timer = undefined
    if (!this.#dirty) return
    this.#write().catch((error: unknown) => {
      this.#options.logger.error({ error, path: this.#options.path }, 'broker state could not be written')
    })
  }
}
