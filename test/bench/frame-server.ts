import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A request as it arrived. */
export interface SeenRequest {
  readonly code: number
  readonly opaque: number
  readonly headerBytes: number
  readonly extFields: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What to answer. `bytes` replaces the whole frame; undefined leaves the request without an answer. */
export interface Answer {
  readonly code?: number
  readonly remark?: string
  readonly extFields?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly bytes?: Buffer
  /** Destroys the connection instead of answering. */
  readonly hangUp?: boolean
}

const frame = (header: object, body: Buffer): Buffer => {
  const text = Buffer.from(JSON.stringify(header))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(4 + text.length + body.length, 0)
  lengths.writeUInt32BE(text.length, 4)
  return Buffer.concat([lengths, text, body])
}

const decode = (bytes: Buffer): SeenRequest => {
  const headerBytes = bytes.readUInt32BE(0)
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + headerBytes))
  const { code, opaque, extFields } = header
  return { code, opaque, headerBytes, extFields, body: Buffer.from(bytes.subarray(4 + headerBytes)) }
}

const encode = ({ opaque }: SeenRequest, answer: Answer): Buffer => {
  const { code = 0, remark, extFields = {}, body = Buffer.alloc(0) } = answer
  const header = { code, extFields, flag: 1, language: 'JAVA', opaque, remark, version: 409 }
  return answer.bytes ?? frame(header, body)
}

/** Gets each request with its number, from 0. Answers leave in the order in which they are known. */
export type Answerer = (request: SeenRequest, index: number) => Answer | undefined | Promise<Answer>

/** Speaks just enough of the protocol to stand in for a broker, and remembers every request. */
export class FrameServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #answer: Answerer

  private constructor(answer: Answerer) {
    this.#answer = answer
    this.#server = createServer((socket) => this.#serve(socket))
  }

  static async start(answer: Answerer): Promise<FrameServer> {
    const server = new FrameServer(answer)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    let kept = Buffer.alloc(0)
    // A generator that gives up resets the connection; that is its right.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk) => {
      let bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
      while (!socket.destroyed && bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
        const end = 4 + bytes.readUInt32BE(0)
        void this.#take(socket, decode(bytes.subarray(4, end)))
        bytes = bytes.subarray(end)
      }
      kept = Buffer.from(bytes)
    })
  }

  async #take(socket: Socket, request: SeenRequest): Promise<void> {
    const index = this.requests.push(request) - 1
    const answer = await this.#answer(request, index)
    if (answer?.hangUp) socket.destroy()
    else if (answer !== undefined) socket.write(encode(request, answer))
  }
}
