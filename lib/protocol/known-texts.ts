const SLOTS = 1024
const MAX_BYTES = 128

interface KnownText {
  readonly bytes: Buffer
  readonly text: string
}

/**
 * Strings of ASCII bytes that come again and again, such as topics and groups: the same string is given again instead of
 * a new one. A text that another one of the same place follows is forgotten.
 */
export class KnownTexts {
  readonly #slots: (KnownText | undefined)[] = new Array(SLOTS).fill(undefined)

  /** The string of the bytes [start, end), which are ASCII. */
  of(buffer: Buffer, start: number, end: number): string {
    if (end - start > MAX_BYTES) return buffer.toString('latin1', start, end)
    const slot = slotOf(buffer, start, end)
    const known = this.#slots[slot]
    if (known !== undefined && isSame(known.bytes, buffer, start, end)) return known.text
    const text = buffer.toString('latin1', start, end)
    this.#slots[slot] = { bytes: Buffer.from(text, 'latin1'), text }
    return text
  }
}

const slotOf = (buffer: Buffer, start: number, end: number): number => {
  let hash = end - start
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + buffer[at]!) | 0
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}

const isSame = (bytes: Buffer, buffer: Buffer, start: number, end: number): boolean => {
  if (bytes.length !== end - start) return false
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buffer[start + i]) return false
  return true
}
