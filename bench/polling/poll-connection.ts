import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { splitAddress } from '../../test/support/raw-client.ts'
import { FrameTemplate, numberAfter } from './frames.ts'

const PULL_MESSAGE = 11
const SEND_MESSAGE_V2 = 310
const ONEWAY = 2
const SUSPEND_AND_SUBSCRIPTION = 2 | 4

/** A pull to be held until a message comes. */
export interface Poll {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly suspendMs: number
}

/** Told of the answer: its code, and the queue offset to go on from. */
export type Answered = (code: number, nextOffset: number) => void

/** The same pull again and again, from other offsets. */
export type PullTemplate = FrameTemplate

export const pullTemplate = (poll: Poll): PullTemplate =>
  new FrameTemplate(PULL_MESSAGE, 0, (queueOffset) => ({
    consumerGroup: poll.group,
    topic: poll.topic,
    queueId: `${poll.queueId}`,
    queueOffset,
    maxMsgNums: '32',
    sysFlag: `${SUSPEND_AND_SUBSCRIPTION}`,
    commitOffset: '0',
    suspendTimeoutMillis: `${poll.suspendMs}`,
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  }))

/** Messages that nobody waits for, to whatever queue. */
export type SendTemplate = FrameTemplate

export const sendTemplate = (topic: string, body: Buffer): SendTemplate =>
  new FrameTemplate(
    SEND_MESSAGE_V2,
    ONEWAY,
    (e) => ({ a: 'polling', b: topic, c: 'TBW102', d: '4', e, f: '0', g: `${Date.now()}`, h: '0' }),
    body,
  )

const READ_BYTES = 64 * 1024
const OPAQUE = Buffer.from('"opaque":')
const CODE = Buffer.from('"code":')
const NEXT_OFFSET = Buffer.from('"nextBeginOffset":')

/**
 * One connection with many pulls in flight and no timer each. What it measures must not be its own cost, above all not
 * that of its garbage: it reads into one buffer, looks at three numbers of an answer, and makes no frame twice.
 */
export class PollConnection {
  readonly #socket: Socket
  /** By opaque; those that are over are used again. */
  readonly #waiting: (Answered | undefined)[] = [undefined]
  readonly #free: number[] = []
  readonly #read: Buffer
  /** Bytes of an answer whose end has not come. */
  #rest: Buffer = Buffer.alloc(0)

  private constructor(host: string, port: number) {
    const read = Buffer.alloc(READ_BYTES)
    const callback = (bytes: number): boolean => {
      this.#take(bytes)
      return true
    }
    this.#read = read
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: read, callback } })
  }

  static async open(address: string): Promise<PollConnection> {
    const { host, port } = splitAddress(address)
    const connection = new PollConnection(host, port)
    await once(connection.#socket, 'connect')
    return connection
  }

  /** A template has one pull in flight at a time. */
  pull(template: PullTemplate, queueOffset: number, answered: Answered): void {
    const opaque = this.#free.pop() ?? this.#waiting.length
    this.#waiting[opaque] = answered
    this.#socket.write(template.frame(opaque, queueOffset))
  }

  /** Sends one message to each of the queues, all in one write. */
  send(template: SendTemplate, queueIds: readonly number[]): void {
    if (queueIds.length === 0) return
    const bytes = Buffer.allocUnsafe(queueIds.length * template.sizeBytes)
    let at = 0
    for (const queueId of queueIds) at += template.frame(0, queueId).copy(bytes, at)
    this.#socket.write(bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(readBytes: number): void {
    const { length } = this.#rest
    const bytes = length === 0 ? this.#read : Buffer.concat([this.#rest, this.#read.subarray(0, readBytes)])
    const total = length + readBytes
    let at = 0
    while (total - at >= 4 && total - at >= 4 + bytes.readUInt32BE(at)) {
      const headerEnd = at + 8 + (bytes.readUInt32BE(at + 4) & 0xffffff)
      const opaque = numberAfter(bytes, at + 8, headerEnd, OPAQUE)
      const answered = this.#waiting[opaque]
      this.#waiting[opaque] = undefined
      this.#free.push(opaque)
      answered?.(numberAfter(bytes, at + 8, headerEnd, CODE), numberAfter(bytes, at + 8, headerEnd, NEXT_OFFSET))
      at += 4 + bytes.readUInt32BE(at)
    }
    if (length > 0 || at < total) this.#rest = Buffer.from(bytes.subarray(at, total))
  }
}
