import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { waitFor } from '../../support/wait-for.ts'

/** What a master sent in one frame. */
export interface Frame {
  readonly physicalOffset: number
  readonly bytes: Buffer
}

/** A slave without a store: it says what the test tells it to, and keeps what it gets. */
export class FakeSlave {
  readonly frames: Frame[] = []
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('close', () => {
      this.closed = true
    })
    socket.on('error', () => undefined)
  }

  static async connect(port: number): Promise<FakeSlave> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new FakeSlave(socket)
  }

  /** The bytes of all frames; throws when they are not one piece. */
  get bytes(): Buffer {
    const { frames } = this
    for (const [index, { physicalOffset }] of frames.slice(1).entries()) {
      const before = frames[index]!
      if (physicalOffset !== before.physicalOffset + before.bytes.length) throw new Error(`a gap at ${physicalOffset}`)
    }
    return Buffer.concat(frames.map(({ bytes }) => bytes))
  }

  report(...physicalOffsets: (number | bigint)[]): void {
    const bytes = Buffer.alloc(physicalOffsets.length * 8)
    for (const [index, offset] of physicalOffsets.entries()) bytes.writeBigInt64BE(BigInt(offset), index * 8)
    this.#socket.write(bytes)
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  async has(sizeBytes: number): Promise<Buffer> {
    await waitFor(`${sizeBytes} bytes`, () => this.bytes.length >= sizeBytes, { everyMs: 2 })
    return this.bytes
  }

  end(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 12) {
      const sizeBytes = this.#rest.readInt32BE(8)
      if (this.#rest.length < 12 + sizeBytes) return
      const physicalOffset = Number(this.#rest.readBigInt64BE(0))
      this.frames.push({ physicalOffset, bytes: Buffer.from(this.#rest.subarray(12, 12 + sizeBytes)) })
      this.#rest = this.#rest.subarray(12 + sizeBytes)
    }
  }
}
