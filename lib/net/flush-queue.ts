/** Something whose bytes leave at the end of the current tick. */
export interface Flushable {
  flush(): void
}

/** Connections that got bytes outside their own chunk: all of them are written once, at the end of the tick. */
export class FlushQueue {
  readonly #queue = new Set<Flushable>()
  #scheduled = false

  add(connection: Flushable): void {
    this.#queue.add(connection)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flushAll())
  }

  delete(connection: Flushable): void {
    this.#queue.delete(connection)
  }

  #flushAll(): void {
    this.#scheduled = false
    const connections = [...this.#queue]
    this.#queue.clear()
    for (const connection of connections) connection.flush()
  }
}
