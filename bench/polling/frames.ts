const VERSION = 409
/** Numbers stand with leading zeros, so that a frame's size does not depend on them. */
const DIGITS = 10
const PLACE_OF_OPAQUE = 8_000_000_001
const PLACE_OF_FIELD = '9000000002'
const ZERO = 0x30

/** A request in JSON encoding that is made once; each frame of it has another opaque and one other number. */
export class FrameTemplate {
  readonly #bytes: Buffer
  readonly #opaqueAt: number
  readonly #fieldAt: number

  /** @param fields the header fields, with `place` where the other number stands */
  constructor(
    code: number,
    flag: number,
    fields: (place: string) => Readonly<Record<string, string>>,
    body: Buffer = Buffer.alloc(0),
  ) {
    const header = Buffer.from(
      JSON.stringify({
        code,
        extFields: fields(PLACE_OF_FIELD),
        flag,
        language: 'JAVA',
        opaque: PLACE_OF_OPAQUE,
        serializeTypeCurrentRPC: 'JSON',
        version: VERSION,
      }),
    )
    const head = Buffer.alloc(8)
    head.writeUInt32BE(4 + header.length + body.length, 0)
    head.writeUInt32BE(header.length, 4)
    this.#bytes = Buffer.concat([head, header, body])
    this.#opaqueAt = this.#bytes.indexOf(String(PLACE_OF_OPAQUE))
    this.#fieldAt = this.#bytes.indexOf(PLACE_OF_FIELD)
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  /** The same bytes each time, so that none have to be made: to be used no more when the next is asked for. */
  frame(opaque: number, number: number): Buffer {
    // JSON numbers may not begin with a zero.
    writeDigits(this.#bytes, this.#opaqueAt, opaque, 0x20)
    writeDigits(this.#bytes, this.#fieldAt, number, ZERO)
    return this.#bytes
  }
}

const writeDigits = (bytes: Buffer, at: number, number: number, fill: number): void => {
  let left = number
  for (let i = at + DIGITS - 1; i >= at; i--) {
    bytes[i] = left > 0 || i === at + DIGITS - 1 ? ZERO + (left % 10) : fill
    left = Math.floor(left / 10)
  }
}

/** The number behind a key of the JSON text [start, end), with quotes or without; 0 when there is none. */
export const numberAfter = (bytes: Buffer, start: number, end: number, key: Buffer): number => {
  let at = bytes.indexOf(key, start)
  if (at === -1 || at >= end) return 0
  at += key.length
  if (bytes[at] === 0x22) at += 1
  let number = 0
  for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
    number = number * 10 + digit
  return number
}
