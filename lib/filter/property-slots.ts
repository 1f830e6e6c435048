const NAME_VALUE_SEPARATOR = 1
const PROPERTY_SEPARATOR = 2

/** A name looked for, and where its place is written. */
interface Wanted {
  readonly bytes: Buffer
  readonly slot: number
}

/**
 * Where the values of some properties stand in stored property text (UTF-8, `name 01 value`, split by 02). Entries
 * without a name or a value are none; the last of two equal names counts.
 */
export class PropertySlots {
  /** What {@link find} looked through last. */
  buffer: Buffer = Buffer.alloc(0)
  /** First byte of each value; -1: there is no such property. */
  readonly starts: Int32Array
  /** Behind the last byte of each value. */
  readonly ends: Int32Array
  readonly #byLength: (readonly Wanted[] | undefined)[] = []

  /** @param names none twice; slot `i` is that of `names[i]` */
  constructor(names: readonly string[]) {
    this.starts = new Int32Array(names.length).fill(-1)
    this.ends = new Int32Array(names.length)
    for (const [slot, name] of names.entries()) {
      const bytes = Buffer.from(name)
      while (this.#byLength.length <= bytes.length) this.#byLength.push(undefined)
      this.#byLength[bytes.length] = [...(this.#byLength[bytes.length] ?? []), { bytes, slot }]
    }
  }

  /** Finds the values in the text in [start, end) of `buffer`. */
  find(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer
    for (let slot = 0; slot < this.starts.length; slot++) this.starts[slot] = -1
    for (let at = start; at < end; ) {
      let nameEnd = at
      while (nameEnd < end && buffer[nameEnd] !== NAME_VALUE_SEPARATOR && buffer[nameEnd] !== PROPERTY_SEPARATOR) {
        nameEnd += 1
      }
      let valueEnd = nameEnd
      while (valueEnd < end && buffer[valueEnd] !== PROPERTY_SEPARATOR) valueEnd += 1
      const wanted = this.#byLength[nameEnd - at]
      if (wanted !== undefined && valueEnd - nameEnd > 1) this.#note(wanted, at, nameEnd, valueEnd)
      at = valueEnd + 1
    }
  }

  /** The value as text; undefined when there is none. */
  text(slot: number): string | undefined {
    const start = this.starts[slot]!
    return start < 0 ? undefined : this.buffer.toString('utf8', start, this.ends[slot]!)
  }

  #note(wanted: readonly Wanted[], at: number, nameEnd: number, valueEnd: number): void {
    for (let i = 0; i < wanted.length; i++) {
      const { bytes, slot } = wanted[i]!
      let same = 0
      while (same < bytes.length && bytes[same] === this.buffer[at + same]) same += 1
      if (same < bytes.length) continue
      this.starts[slot] = nameEnd + 1
      this.ends[slot] = valueEnd
      return
    }
  }
}
