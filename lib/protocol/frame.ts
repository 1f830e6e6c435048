import { FrameError } from './frame-error.ts'
import { decodeJsonHeader, encodeJsonHeader } from './header-json.ts'
import { decodeRocketmqHeader, rocketmqHeaderBytes, writeRocketmqHeader } from './header-rocketmq.ts'
import type { OutgoingFrame } from './outgoing-frame.ts'
import { type RemotingCommand, SerializeType } from './remoting-command.ts'

export { FrameError, type FrameErrorCode } from './frame-error.ts'
export type { OutgoingFrame } from './outgoing-frame.ts'

/** Longest frame, its 4-byte length word included. Java's default. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** Longest header taken from a peer. */
export const MAX_HEADER_BYTES = 64 * 1024
/** The length word, which counts everything after itself. */
export const LENGTH_WORD_BYTES = 4
/** Both words before the header. */
export const FRAME_PREFIX_BYTES = 8

const HEADER_LENGTH_MASK = 0xffffff
const NO_BODY = Buffer.alloc(0)

/** Where the parts of one frame lie in a buffer. */
export interface FrameBounds {
  serializeType: number
  headerStart: number
  headerEnd: number
  bodyStart: number
  bodyEnd: number
}

/**
 * Reads the length word at `at` and returns the bytes after it that belong to the frame.
 * @param maxFrameBytes longest frame taken, its length word included
 * @throws {FrameError} `FRAME_TOO_LONG`, `FRAME_TOO_SHORT`; nothing was allocated for the declared size.
 */
export const readContentLength = (buffer: Buffer, at: number, maxFrameBytes = MAX_FRAME_BYTES): number => {
  const length = buffer.readInt32BE(at)
  if (length < 4) throw new FrameError('FRAME_TOO_SHORT', `a frame declares ${length} bytes`)
  const most = maxFrameBytes - LENGTH_WORD_BYTES
  if (length > most) {
    throw new FrameError('FRAME_TOO_LONG', `a frame declares ${length} bytes, at most ${most} are taken`)
  }
  return length
}

/**
 * Finds header and body of the frame whose content (what follows the length word) is [start, end). Only its first word
 * is read: the rest need not be there yet.
 * @throws {FrameError} `FRAME_TOO_SHORT`, `HEADER_TOO_LONG`, `SERIALIZE_TYPE_UNKNOWN`
 */
export const readFrameBounds = (
  buffer: Buffer,
  start: number,
  end: number,
  into: FrameBounds,
  maxHeaderBytes = MAX_HEADER_BYTES,
): void => {
  if (end - start < 4) throw new FrameError('FRAME_TOO_SHORT', `a frame has only ${end - start} bytes`)
  const word = buffer.readUInt32BE(start)
  const serializeType = word >>> 24
  const headerBytes = word & HEADER_LENGTH_MASK
  if (serializeType > SerializeType.rocketmq) {
    throw new FrameError('SERIALIZE_TYPE_UNKNOWN', `a frame has serialize type ${serializeType}`)
  }
  if (headerBytes > maxHeaderBytes) {
    throw new FrameError(
      'HEADER_TOO_LONG',
      `a header declares ${headerBytes} bytes, at most ${maxHeaderBytes} are taken`,
    )
  }
  if (headerBytes > end - start - 4) {
    throw new FrameError('FRAME_TOO_SHORT', `a header declares ${headerBytes} bytes in a frame of ${end - start}`)
  }
  into.serializeType = serializeType
  into.headerStart = start + 4
  into.headerEnd = start + 4 + headerBytes
  into.bodyStart = into.headerEnd
  into.bodyEnd = end
}

/**
 * Decodes the frame whose content (what follows the length word) is [start, end). The body is a view of `buffer`.
 * @throws {FrameError} see `readFrameBounds`; `HEADER_UNDECODABLE`
 */
export const decodeFrame = (buffer: Buffer, start: number, end: number): RemotingCommand => {
  const bounds: FrameBounds = { serializeType: 0, headerStart: 0, headerEnd: 0, bodyStart: 0, bodyEnd: 0 }
  readFrameBounds(buffer, start, end, bounds)
  const { headerStart, headerEnd, bodyStart, bodyEnd } = bounds
  const serializeType = bounds.serializeType as SerializeType
  const decode = serializeType === SerializeType.json ? decodeJsonHeader : decodeRocketmqHeader
  const header = decode(buffer, headerStart, headerEnd)
  const body = bodyStart === bodyEnd ? NO_BODY : buffer.subarray(bodyStart, bodyEnd)
  return { ...header, body, serializeType }
}

const checkLengths = (headerBytes: number, bodyBytes: number): void => {
  if (FRAME_PREFIX_BYTES + headerBytes + bodyBytes > MAX_FRAME_BYTES) {
    throw new FrameError(
      'FRAME_TOO_LONG',
      `a frame with ${headerBytes} header and ${bodyBytes} body bytes is over the limit`,
    )
  }
}

const writePrefix = (into: Buffer, at: number, type: number, headerBytes: number, bodyBytes: number): void => {
  into.writeUInt32BE(4 + headerBytes + bodyBytes, at)
  into.writeUInt32BE(((type << 24) | headerBytes) >>> 0, at + 4)
}

/**
 * Encodes a whole frame, both length words included.
 * @throws {FrameError} `FRAME_TOO_LONG`, `HEADER_UNENCODABLE`
 */
export const encodeFrame = (command: OutgoingFrame): Buffer => {
  const { body = NO_BODY, serializeType = SerializeType.json } = command
  const text = serializeType === SerializeType.json ? encodeJsonHeader(command) : undefined
  const headerBytes = text === undefined ? rocketmqHeaderBytes(command) : Buffer.byteLength(text)
  checkLengths(headerBytes, body.length)
  const frame = Buffer.allocUnsafe(FRAME_PREFIX_BYTES + headerBytes + body.length)
  writePrefix(frame, 0, serializeType, headerBytes, body.length)
  if (text === undefined) writeRocketmqHeader(command, frame, FRAME_PREFIX_BYTES)
  else frame.write(text, FRAME_PREFIX_BYTES)
  body.copy(frame, FRAME_PREFIX_BYTES + headerBytes)
  return frame
}

/** Bytes that are surely enough for `writeFrame`: six per character, the longest JSON escape. */
export const frameSizeBound = (command: OutgoingFrame): number => {
  let characters = command.remark?.length ?? 0
  let fields = 0
  for (const [key, value] of command.extFields ?? []) {
    characters += key.length + value.length
    fields += 1
  }
  return 256 + 8 * fields + 6 * characters + (command.body?.length ?? 0)
}

/**
 * Writes a whole frame at `at` and returns its end. At least `frameSizeBound` bytes must be free there.
 * @throws {FrameError} `FRAME_TOO_LONG`, `HEADER_UNENCODABLE`
 */
export const writeFrame = (command: OutgoingFrame, into: Buffer, at: number): number => {
  const { body, serializeType = SerializeType.json } = command
  const bodyBytes = body?.length ?? 0
  const headerAt = at + FRAME_PREFIX_BYTES
  const headerEnd =
    serializeType === SerializeType.json
      ? headerAt + into.write(encodeJsonHeader(command), headerAt)
      : writeRocketmqHeader(command, into, headerAt)
  checkLengths(headerEnd - headerAt, bodyBytes)
  writePrefix(into, at, serializeType, headerEnd - headerAt, bodyBytes)
  body?.copy(into, headerEnd)
  return headerEnd + bodyBytes
}
