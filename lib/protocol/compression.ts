import { deflateSync, inflateSync } from 'node:zlib'
import { ProtocolError } from './protocol-error.ts'
import { compressionType, MessageSysFlag } from './sys-flags.ts'

/** zlib level that Java clients use. */
export const DEFAULT_COMPRESSION_LEVEL = 5
/** A body may grow to this many times the largest message when it is inflated. */
export const MAX_INFLATE_FACTOR = 4
/** Java's default for the largest message body, 4 MiB. */
export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/**
 * The body as the producer gave it: inflated when `sysFlag` says compressed, else `body` itself.
 * @param maxBytes most bytes the result may have; default four times 4 MiB
 * @throws {ProtocolError} `BODY_ILLEGAL`, `BODY_TOO_LARGE`, `COMPRESSION_UNSUPPORTED` (lz4 and zstd)
 */
export const inflateBody = (
  sysFlag: number,
  body: Buffer,
  maxBytes: number = MAX_INFLATE_FACTOR * DEFAULT_MAX_MESSAGE_BYTES,
): Buffer => {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body
  const type = compressionType(sysFlag)
  if (type !== 'zlib')
    throw new ProtocolError('COMPRESSION_UNSUPPORTED', `the body is compressed with ${type}, only zlib is known`)
  try {
    return inflateSync(body, { maxOutputLength: maxBytes })
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ProtocolError(
        'BODY_TOO_LARGE',
        `the compressed body of ${body.length} bytes holds more than ${maxBytes}`,
        { cause },
      )
    }
    throw new ProtocolError('BODY_ILLEGAL', `the compressed body of ${body.length} bytes is no zlib stream`, { cause })
  }
}

/** Compresses a body with zlib; the sender sets `COMPRESSED` and `COMPRESSION_ZLIB` in sysFlag. */
export const deflateBody = (body: Buffer, level: number = DEFAULT_COMPRESSION_LEVEL): Buffer =>
  deflateSync(body, { level })
