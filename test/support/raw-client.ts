import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'

/** A request or an answer in the remoting protocol's JSON form. */
export interface RawCommand {
  readonly code: number
  readonly extFields?: Readonly<Record<string, string>>
  readonly remark?: string
  readonly body?: Buffer
  /** Name in the header. Default JAVA. */
  readonly language?: string
  /** Version number in the header. Default that of 4.9.8. */
  readonly version?: number
}

/** What the peer answered. */
export interface RawReply {
  readonly code: number
  readonly opaque: number
  readonly flag: number
  readonly version: number
  readonly language?: string
  readonly remark?: string
  readonly extFields: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Version number of 4.9.8. */
const VERSION = 409
const RESPONSE_FLAG = 1
const ONEWAY_FLAG = 2
const REQUEST_TIMEOUT_MS = 60_000
const NO_BODY = Buffer.alloc(0)

interface Pending {
  readonly resolve: (reply: RawReply) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** `host:port` of servers that take nothing but TLS: connections to them speak it and trust anybody. */
export const tlsOnlyAddresses = new Set<string>()

let identity: { readonly cert: string; readonly key: string } | undefined

/** Shown to servers that ask for a certificate. */
export const useIdentity = (shown: typeof identity): void => {
  identity = shown
}

/** host and port of `host:port`; the host may be a bare IPv6 address, as Java writes it. */
export const splitAddress = (address: string): { host: string; port: number } => {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

const encode = (command: RawCommand, opaque: number, flag: number): Buffer => {
  const header = Buffer.from(
    JSON.stringify({
      code: command.code,
      extFields: command.extFields ?? {},
      ...(command.remark === undefined ? {} : { remark: command.remark }),
      flag,
      language: command.language ?? 'JAVA',
      opaque,
      serializeTypeCurrentRPC: 'JSON',
      version: command.version ?? VERSION,
    }),
  )
  const body = command.body ?? NO_BODY
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(4 + header.length + body.length, 0)
  lengths.writeUInt32BE(header.length, 4)
  return Buffer.concat([lengths, header, body])
}

/**
 * The smallest client of the remoting protocol: JSON headers, one connection, any number of requests in flight.
 * Written without our protocol code, so that tests do not check our codec against itself.
 */
export class RawClient {
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  #received: Buffer = NO_BODY
  #nextOpaque = 1
  /** Answers what the peer asks; undefined, or no answerer, says nothing. Requests that want no answer come here too. */
  answerer: ((request: RawReply) => RawCommand | undefined) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('connection closed by the peer')))
  }

  /** @throws Error of the connection attempt. */
  static async connect(address: string): Promise<RawClient> {
    const isSecure = tlsOnlyAddresses.has(address)
    const to = splitAddress(address)
    const socket = isSecure ? connectSecurely({ ...to, ...identity, rejectUnauthorized: false }) : connect(to)
    await once(socket, isSecure ? 'secureConnect' : 'connect')
    return new RawClient(socket)
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** @throws Error when the connection ends first or no answer comes in 60 s. Answer codes other than 0 do not throw. */
  request(command: RawCommand): Promise<RawReply> {
    if (!this.isOpen) return Promise.reject(new Error('connection is closed'))
    const opaque = this.#nextOpaque++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(opaque)
        reject(new Error(`no answer to request code ${command.code} in ${REQUEST_TIMEOUT_MS} ms`))
      }, REQUEST_TIMEOUT_MS)
      this.#pending.set(opaque, { resolve, reject, timer })
      this.#socket.write(encode(command, opaque, 0))
    })
  }

  /** Like request, but an answer code other than 0 throws. */
  async call(command: RawCommand): Promise<RawReply> {
    const reply = await this.request(command)
    if (reply.code !== 0) throw new Error(`request code ${command.code} answered ${reply.code}: ${reply.remark ?? ''}`)
    return reply
  }

  oneway(command: RawCommand): void {
    this.#socket.write(encode(command, this.#nextOpaque++, ONEWAY_FLAG))
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    let bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0)
      this.#dispatch(bytes.subarray(4, end))
      bytes = bytes.subarray(end)
    }
    this.#received = bytes
  }

  #dispatch(frame: Buffer): void {
    const headerEnd = 4 + (frame.readUInt32BE(0) & 0xffffff)
    const header = JSON.parse(frame.toString('utf8', 4, headerEnd)) as Omit<RawReply, 'body'>
    if ((header.flag & 1) === 0) {
      const request = { ...header, extFields: header.extFields ?? {}, body: frame.subarray(headerEnd) }
      const answer = this.answerer?.(request)
      if (answer !== undefined) this.#socket.write(encode(answer, header.opaque, RESPONSE_FLAG))
      return
    }
    const pending = this.#pending.get(header.opaque)
    if (pending === undefined) return
    this.#pending.delete(header.opaque)
    clearTimeout(pending.timer)
    pending.resolve({ ...header, extFields: header.extFields ?? {}, body: frame.subarray(headerEnd) })
  }

  #fail(error: Error): void {
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer)
      pending.reject(error)
    }
    this.#pending.clear()
  }
}

/** Connects, runs `use`, closes. */
export const withRawClient = async <T>(address: string, use: (client: RawClient) => Promise<T>): Promise<T> => {
  const client = await RawClient.connect(address)
  try {
    return await use(client)
  } finally {
    client.close()
  }
}
