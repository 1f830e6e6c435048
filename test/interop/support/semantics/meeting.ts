/** Does something once when all of a number of parties have either arrived or left. */
export class Meeting {
  readonly #act: () => Promise<void>
  readonly #done: Promise<void>
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  #awaited: number
  #arrived = 0

  constructor(parties: number, act: () => Promise<void>) {
    this.#awaited = parties
    this.#act = act
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#done.catch(() => undefined)
  }

  /** Resolves when the act is done. A party arrives at most once. */
  arrive(): Promise<void> {
    this.#arrived++
    this.#actWhenComplete()
    return this.#done
  }

  /** A party will not arrive any more; harmless when it has arrived. */
  leave(): void {
    this.#awaited--
    this.#actWhenComplete()
  }

  #actWhenComplete(): void {
    if (this.#arrived === 0 || this.#arrived !== this.#awaited) return
    this.#act().then(this.#resolve, this.#reject)
  }
}
