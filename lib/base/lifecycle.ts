import { ApogeeError } from './errors.ts'

/** Something that runs until stopped. `stop` is idempotent and waits for work in flight within a bound. */
export interface Stoppable {
  stop(): Promise<void> | void
}

interface StartedPart {
  readonly name: string
  readonly stop: () => Promise<void> | void
}

/**
 * The parts of one process, in start order. `stop` runs the same list backwards; a part that fails to stop does not
 * keep the others from stopping.
 */
export class Parts {
  readonly #started: StartedPart[] = []
  #stopping: Promise<void> | undefined

  /**
   * Starts one part and remembers how to stop it.
   * When `start` throws, the parts started before it are left running; the caller stops them through `stop()`.
   */
  async start<T extends Stoppable>(name: string, start: () => T | Promise<T>): Promise<T> {
    const part = await start()
    this.#started.push({ name, stop: () => part.stop() })
    return part
  }

  /** Registers a stop step without a part of its own. */
  onStop(name: string, stop: () => Promise<void> | void): void {
    this.#started.push({ name, stop })
  }

  /**
   * Stops everything once; later calls share the first one's promise.
   * @throws {ApogeeError} `STOP_FAILED` after all steps ran, naming those that failed.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    const failures: { name: string; error: unknown }[] = []
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop()) {
      try {
        await part.stop()
      } catch (error) {
        failures.push({ name: part.name, error })
      }
    }
    if (failures.length > 0) {
      const names = failures.map((failure) => failure.name).join(', ')
      throw new ApogeeError('STOP_FAILED', `failed to stop: ${names}`, { cause: failures[0]?.error })
    }
  }
}
