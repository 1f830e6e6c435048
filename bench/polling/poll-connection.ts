import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { splitAddress } from '../../test/support/raw-client.ts'

const PULL_MESSAGE = 11
const SEND_MESSAGE_V2 = 310
const ONEWAY = 2
const SUSPEND_AND_SUBSCRIPTION = 2 | 4
const VERSION = 409

/** A pull to be held until a message comes. */
export interface Poll {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly suspendMs: number
}

/** What a held pull was answered. */
export interface PollAnswer {
  readonly code: number
  readonly nextOffset: number
}

/** One connection with many pulls in flight and no timer each: what it measures must not be its own cost. */
export class PollConnection {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (answer: PollAnswer) => void>()
  #opaque = 1
  #rest: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  static async open(address: string): Promise<PollConnection> {
    const { host, port } = splitAddress(address)
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new PollConnection(socket)
  }

  /** Pulls that have no answer yet. */
  get waiting(): number {
    return this.#waiting.size
  }

  pull(poll: Poll, answered: (answer: PollAnswer) => void): void {
    const opaque = this.#opaque++
    this.#waiting.set(opaque, answered)
    this.#write(PULL_MESSAGE, opaque, 0, {
      consumerGroup: poll.group,
      topic: poll.topic,
      queueId: `${poll.queueId}`,
      queueOffset: `${poll.queueOffset}`,
      maxMsgNums: '32',
      sysFlag: `${SUSPEND_AND_SUBSCRIPTION}`,
      commitOffset: '0',
      suspendTimeoutMillis: `${poll.suspendMs}`,
      subscription: '*',
      subVersion: '0',
      expressionType: 'TAG',
    })
  }

  /** Sends a message that nobody waits for. */
  send(topic: string, queueId: number, body: Buffer): void {
    const fields = { a: 'polling', b: topic, c: 'TBW102', d: '4', e: `${queueId}`, f: '0', g: `${Date.now()}`, h: '0' }
    this.#write(SEND_MESSAGE_V2, this.#opaque++, ONEWAY, fields, body)
  }

  close(): void {
    this.#socket.destroy()
  }

  #write(code: number, opaque: number, flag: number, extFields: object, body: Buffer = Buffer.alloc(0)): void {
    const command = {
      code,
      extFields,
      flag,
      language: 'JAVA',
      opaque,
      serializeTypeCurrentRPC: 'JSON',
      version: VERSION,
    }
    const header = Buffer.from(JSON.stringify(command))
    const frame = Buffer.allocUnsafe(8 + header.length + body.length)
    frame.writeUInt32BE(4 + header.length + body.length, 0)
    frame.writeUInt32BE(header.length, 4)
    header.copy(frame, 8)
    body.copy(frame, 8 + header.length)
    this.#socket.write(frame)
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0)
      const header = JSON.parse(bytes.toString('utf8', 8, 8 + (bytes.readUInt32BE(4) & 0xffffff))) as {
        code: number
        opaque: number
        extFields?: { nextBeginOffset?: string }
      }
      bytes = bytes.subarray(end)
      const answered = this.#waiting.get(header.opaque)
      this.#waiting.delete(header.opaque)
      answered?.({ code: header.code, nextOffset: Number(header.extFields?.nextBeginOffset ?? 0) })
    }
    this.#rest = bytes
  }
}
