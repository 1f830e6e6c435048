import { connect } from 'node:net'
import { splitAddress } from '../../support/raw-client.ts'

/** What a peer did with bytes: sent a frame whose header has these facts, or closed the connection. */
export type Outcome =
  | { readonly kind: 'answered'; readonly code: number; readonly opaque: number; readonly remark: string }
  | { readonly kind: 'closed' }

const OUTCOME_TIMEOUT_MS = 10_000
const OPAQUE = 77
const NO_BYTES = Buffer.alloc(0)

/** Header of a request, as JSON text. */
export const headerText = (code: number | string, extFields: Readonly<Record<string, string>> = {}): string =>
  JSON.stringify({ code, language: 'JAVA', version: 409, opaque: OPAQUE, flag: 0, extFields })

/** A frame with the given parts; length words can be made to lie. */
export const frame = (
  header: string | Buffer,
  options: {
    readonly body?: Buffer
    readonly serializeType?: number
    readonly frameBytes?: number
    readonly headerBytes?: number
  } = {},
): Buffer => {
  const { body = NO_BYTES, serializeType = 0 } = options
  const content = Buffer.from(header)
  const words = Buffer.alloc(8)
  words.writeInt32BE(options.frameBytes ?? 4 + content.length + body.length, 0)
  words.writeUInt32BE(((serializeType << 24) | (options.headerBytes ?? content.length)) >>> 0, 4)
  return Buffer.concat([words, content, body])
}

const firstFrame = (bytes: Buffer): Outcome | undefined => {
  if (bytes.length < 8 || bytes.length < 4 + bytes.readInt32BE(0)) return undefined
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + (bytes.readUInt32BE(4) & 0xffffff)))
  return { kind: 'answered', code: header.code, opaque: header.opaque, remark: header.remark ?? '' }
}

/**
 * Sends bytes over a connection of their own and waits for the first answer (JSON header) or the end.
 * @param halfClose says that nothing more comes: whatever is incomplete is then given up at once, and no answer is read
 * @throws Error when neither happens in 10 s
 */
export const outcomeOf = (address: string, bytes: Buffer, halfClose = false): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const socket = connect(splitAddress(address))
    let received = NO_BYTES
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(
          `${address} neither answered nor closed after ${bytes.length} bytes: ${bytes.toString('hex', 0, 64)}`,
        ),
      )
    }, OUTCOME_TIMEOUT_MS)
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    // A peer that closes while bytes are on their way resets the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') {
        clearTimeout(timer)
        reject(error)
      } else settle({ kind: 'closed' })
    })
    socket.on('close', () => settle({ kind: 'closed' }))
    socket.on('data', (chunk) => {
      if (halfClose) return
      received = Buffer.concat([received, chunk])
      const answer = firstFrame(received)
      if (answer !== undefined) settle(answer)
    })
    if (halfClose) socket.end(bytes)
    else socket.write(bytes)
  })
