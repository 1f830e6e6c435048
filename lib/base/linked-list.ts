/** A place in a list; made once for what goes in and out of lists. */
export class ListLink<T> {
  readonly value: T
  /** The neighbours, while in a list. */
  next: ListLink<T> | undefined
  previous: ListLink<T> | undefined
  /** The list it is in; for the list alone to change. */
  list: LinkedList<T> | undefined

  constructor(value: T) {
    this.value = value
  }
}

/**
 * A list whose members leave it in constant time, and leave nothing behind. A Set or Map through which members come and
 * go all the time makes a new table now and then, and the old one leads to it: once one is in the old space, everything
 * that was ever in its successors stays in memory until the next full collection.
 */
export class LinkedList<T> {
  #first: ListLink<T> | undefined
  #last: ListLink<T> | undefined
  #size = 0

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first?.value
  }

  /** Appends; the link must be in no list. */
  push(link: ListLink<T>): void {
    link.list = this
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size += 1
  }

  /** Takes the link out; nothing happens when it is not in this list. */
  remove(link: ListLink<T>): void {
    if (link.list !== this) return
    const { previous, next } = link
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    link.list = undefined
    link.previous = undefined
    link.next = undefined
    this.#size -= 1
  }

  /** Visits all in order; the one visited may leave the list meanwhile. */
  forEach(visit: (value: T) => void): void {
    for (let link = this.#first; link !== undefined; ) {
      const { next, value } = link
      visit(value)
      link = next
    }
  }

  /** What is in the list now, in order. */
  toArray(): T[] {
    const values: T[] = []
    for (let link = this.#first; link !== undefined; link = link.next) values.push(link.value)
    return values
  }
}
