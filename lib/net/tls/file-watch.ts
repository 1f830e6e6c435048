import { stat } from 'node:fs/promises'
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Stoppable } from '../../base/lifecycle.ts'

const ABSENT = 'absent'

const fingerprint = async (path: string): Promise<string> => {
  try {
    const { mtimeNs, size, ino } = await stat(path, { bigint: true })
    return `${mtimeNs}:${size}:${ino}`
  } catch {
    return ABSENT
  }
}

/**
 * Looks at files again and again: by their path, so that one that a link leads to or that was put in its place counts as
 * well, which events of the file system do not tell reliably.
 */
export class FileWatch implements Stoppable {
  readonly #onChange: () => Promise<void>
  readonly #timer: TimerHandle
  #paths: readonly string[] = []
  #known = new Map<string, string>()
  #looking: Promise<void> | undefined

  /** @param onChange one of the files is not what it was; must not reject */
  constructor(clock: Clock, periodMs: number, onChange: () => Promise<void>) {
    this.#onChange = onChange
    this.#timer = clock.every(periodMs, () => void this.look())
  }

  /**
   * Looks at these files from now on. Those that were not looked at before are taken as they are now, so call it before
   * they are read.
   */
  async watch(paths: readonly string[]): Promise<void> {
    const before = this.#known
    this.#paths = [...new Set(paths)]
    this.#known = new Map([...(await this.#lookAll()), ...[...before].filter(([path]) => this.#paths.includes(path))])
  }

  /** Looks now. Resolves when a change, if there is one, has been dealt with. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  stop(): void {
    this.#timer.cancel()
  }

  async #look(): Promise<void> {
    const seen = await this.#lookAll()
    const hasChanged = [...seen].some(([path, mark]) => this.#known.get(path) !== mark)
    this.#known = seen
    if (hasChanged) await this.#onChange()
  }

  async #lookAll(): Promise<Map<string, string>> {
    return new Map(await Promise.all(this.#paths.map(async (path) => [path, await fingerprint(path)] as const)))
  }
}
