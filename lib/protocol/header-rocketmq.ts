import { FrameError } from './frame-error.ts'
import { languageNameOf } from './language-codes.ts'
import { type DecodedHeader, MAX_EXT_FIELDS, type OutgoingFrame } from './outgoing-frame.ts'
import { LANGUAGE_OTHER, PROTOCOL_VERSION } from './remoting-command.ts'

/** code 2, language 1, version 2, opaque 4, flag 4, remark length 4, ext length 4. */
const FIXED_BYTES = 21
const REMARK_AT = 13

const undecodable = (why: string): FrameError =>
  new FrameError('HEADER_UNDECODABLE', `the ROCKETMQ header cannot be read: ${why}`)

/** Checks that `length` bytes are left before `end`; lengths are signed and hostile. */
const within = (at: number, length: number, end: number, what: string): number => {
  if (length < 0 || length > end - at) throw undecodable(`${what} of ${length} bytes does not fit`)
  return at + length
}

const decodeExtFields = (buffer: Buffer, start: number, end: number): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  let at = start
  while (at < end) {
    const keyAt = within(at, 2, end, 'a key length')
    const keyEnd = within(keyAt, buffer.readInt16BE(at), end, 'a key')
    const valueAt = within(keyEnd, 4, end, 'a value length')
    at = within(valueAt, buffer.readInt32BE(keyEnd), end, 'a value')
    // Java reads texts of length 0 as null, which is how an absent field looks.
    if (keyEnd === keyAt || at === valueAt) continue
    fields.set(buffer.toString('utf8', keyAt, keyEnd), buffer.toString('utf8', valueAt, at))
    if (fields.size > MAX_EXT_FIELDS) throw undecodable(`more than ${MAX_EXT_FIELDS} ext fields`)
  }
  return fields
}

/**
 * Reads a ROCKETMQ header from [start, end). An empty remark and empty ext fields read as absent; an unknown language
 * is undefined.
 * @throws {FrameError} `HEADER_UNDECODABLE`
 */
export const decodeRocketmqHeader = (buffer: Buffer, start: number, end: number): DecodedHeader => {
  if (end - start < FIXED_BYTES) throw undecodable(`${end - start} bytes are less than the fixed part`)
  const remarkAt = start + REMARK_AT + 4
  const remarkEnd = within(remarkAt, buffer.readInt32BE(start + REMARK_AT), end, 'the remark')
  const extAt = within(remarkEnd, 4, end, 'the ext field length')
  const extEnd = within(extAt, buffer.readInt32BE(remarkEnd), end, 'the ext fields')
  const language = buffer.readUInt8(start + 2)
  return {
    code: buffer.readInt16BE(start),
    language: languageNameOf(language) === undefined ? undefined : language,
    version: buffer.readInt16BE(start + 3),
    opaque: buffer.readInt32BE(start + 5),
    flag: buffer.readInt32BE(start + 9),
    remark: remarkEnd === remarkAt ? undefined : buffer.toString('utf8', remarkAt, remarkEnd),
    extFields: decodeExtFields(buffer, extAt, extEnd),
  }
}

/** Bytes that `writeRocketmqHeader` will write. */
export const rocketmqHeaderBytes = (command: OutgoingFrame): number => {
  let bytes = FIXED_BYTES + Buffer.byteLength(command.remark ?? '')
  for (const [key, value] of command.extFields ?? []) bytes += 6 + Buffer.byteLength(key) + Buffer.byteLength(value)
  return bytes
}

/**
 * Writes a ROCKETMQ header at `at`, where `rocketmqHeaderBytes` bytes are free, and returns its end.
 * @throws {FrameError} `HEADER_UNENCODABLE` for a code that 16 bits do not hold (the POP codes) or a key over 32767 bytes.
 */
export const writeRocketmqHeader = (command: OutgoingFrame, into: Buffer, at: number): number => {
  if ((command.code << 16) >> 16 !== command.code) {
    throw new FrameError('HEADER_UNENCODABLE', `a ROCKETMQ header cannot hold code ${command.code}`)
  }
  into.writeInt16BE(command.code, at)
  into.writeUInt8(command.language ?? LANGUAGE_OTHER, at + 2)
  into.writeInt16BE(command.version ?? PROTOCOL_VERSION, at + 3)
  into.writeInt32BE(command.opaque, at + 5)
  into.writeInt32BE(command.flag, at + 9)
  const remarkBytes = into.write(command.remark ?? '', at + REMARK_AT + 4)
  into.writeInt32BE(remarkBytes, at + REMARK_AT)
  const extLengthAt = at + REMARK_AT + 4 + remarkBytes
  let end = extLengthAt + 4
  for (const [key, value] of command.extFields ?? []) {
    const keyBytes = into.write(key, end + 2)
    if (keyBytes > 0x7fff) throw new FrameError('HEADER_UNENCODABLE', `an ext key has ${keyBytes} bytes`)
    into.writeInt16BE(keyBytes, end)
    const valueBytes = into.write(value, end + 6 + keyBytes)
    into.writeInt32BE(valueBytes, end + 2 + keyBytes)
    end += 6 + keyBytes + valueBytes
  }
  into.writeInt32BE(end - extLengthAt - 4, extLengthAt)
  return end
}
