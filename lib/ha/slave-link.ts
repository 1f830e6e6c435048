import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { RemoteAddress } from '../net/connection.ts'
import type { LogDamage } from '../store/message-store.ts'
import { StoreError } from '../store/store-error.ts'
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES, ReportReader, writeFrameHeader } from './frames.ts'
import type { ReplicatedLog } from './replicated-log.ts'

/** How a master deals with its slaves. */
export interface HaSettings {
  /** A frame without bytes is sent when nothing else was for this long. */
  readonly heartbeatMs: number
  /** A slave from which no report came for this long is gone. */
  readonly silenceMs: number
  /** Most bytes of the log in one frame. At most 4 MiB less the header count. */
  readonly frameBytes: number
  /** A slave further behind than this does not count. */
  readonly fallbehindMaxBytes: number
  /** What is further behind the log's end is first brought into memory, on a thread of the store's. */
  readonly nearBytes: number
}

/** What a link tells the master, and what it is told. */
export interface LinkEvents {
  /** Nobody can have more of this log: its end when the process began, and what slaves got since. */
  given(): number
  /** The slave got everything below. */
  onGiven(physicalOffset: number): void
  /** The slave says that it has everything below. */
  onReport(acked: number): void
  /** Damaged bytes that are about to be sent as they are: a copy of the log has what the log has. */
  onDamage(damage: LogDamage): void
  /** Called once. `fault`: what the slave did, or undefined when the connection ended. */
  onEnd(link: SlaveLink, fault: string | undefined): void
}

/** Most bytes read from the log and given to the socket before the event loop has its turn again. */
const TURN_BYTES = 1024 * 1024
/** More is not queued for one slave. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024
/** Until a read that too many others were waiting before is tried again. */
const READ_AGAIN_MS = 20

/**
 * One slave's connection at the master. The slave reports how far its log goes; from there on it gets the bytes of the
 * CommitLog, in frames that never reach over the end of a file, and reports again.
 */
export class SlaveLink {
  readonly remote: RemoteAddress
  readonly #socket: Socket
  readonly #log: ReplicatedLog
  readonly #settings: HaSettings
  readonly #clock: Clock
  readonly #events: LinkEvents
  readonly #reports = new ReportReader()
  /** Next byte to send; -1 until the slave said where it is. */
  #next = -1
  #acked = -1
  #lastReadMs: number
  #lastWriteMs: number
  /** Until the next turn, or for bytes that are not in memory. */
  #waiting = false
  /** What the slave lacked at first may be old, that is on disk only. */
  #isCatchingUp = true
  #lifecycle: 'open' | 'finishing' | 'written' | 'ended' = 'open'

  constructor(
    socket: Socket,
    remote: RemoteAddress,
    parts: {
      readonly log: ReplicatedLog
      readonly settings: HaSettings
      readonly clock: Clock
      readonly events: LinkEvents
    },
  ) {
    this.#socket = socket
    this.remote = remote
    this.#log = parts.log
    this.#settings = parts.settings
    this.#clock = parts.clock
    this.#events = parts.events
    this.#lastReadMs = this.#clock.monotonicMs()
    this.#lastWriteMs = this.#lastReadMs
    socket.setNoDelay(true)
    socket.on('drain', () => this.pump())
    socket.on('error', (error) => this.#end(errorText(error)))
    socket.on('close', () => this.#end(undefined))
    socket.on('end', () => this.#end(undefined))
  }

  /** The slave has everything below; -1 until it first said so. */
  get acked(): number {
    return this.#acked
  }

  /** Takes [0, sizeBytes) of `chunk`, which may be overwritten afterwards. */
  receive(chunk: Buffer, sizeBytes: number): void {
    if (this.#lifecycle === 'ended') return
    const before = this.#acked
    try {
      this.#reports.read(chunk, sizeBytes, (physicalOffset) => this.#report(physicalOffset))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#endUnreadable(error)
    }
    if (this.#acked === before) return
    this.#events.onReport(this.#acked)
    this.pump()
  }

  /** Sends what the slave may have by now, as far as the connection takes it. */
  pump(): void {
    this.#pump(false)
  }

  /** To be called often: shows life, and ends the link when the other side shows none. */
  check(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lastReadMs > this.#settings.silenceMs) {
      this.#end(`no report came for ${this.#settings.silenceMs} ms`)
      return
    }
    this.pump()
    if (this.#next < 0 || this.#isWritten || nowMs - this.#lastWriteMs < this.#settings.heartbeatMs) return
    const heartbeat = Buffer.alloc(FRAME_HEADER_BYTES)
    writeFrameHeader(heartbeat, 0, this.#next, 0)
    this.#write(heartbeat)
  }

  /** Ends the connection when the slave got everything there is. */
  finish(): void {
    if (this.#next < 0) this.#end(undefined)
    if (this.#lifecycle !== 'open') return
    this.#lifecycle = 'finishing'
    this.pump()
  }

  /** Ends the connection at once. */
  close(): void {
    this.#end(undefined)
  }

  #report(physicalOffset: number): boolean {
    const fault = this.#next < 0 ? this.#begin(physicalOffset) : this.#faultOf(physicalOffset)
    if (fault !== undefined) {
      this.#end(fault)
      return false
    }
    if (physicalOffset > this.#acked) this.#acked = physicalOffset
    this.#lastReadMs = this.#clock.monotonicMs()
    return true
  }

  /** The first report: where the slave's log ends. An empty one gets everything there is. */
  #begin(physicalOffset: number): string | undefined {
    const { minPhysicalOffset } = this.#log
    const given = this.#events.given()
    const from = physicalOffset === 0 ? minPhysicalOffset : physicalOffset
    if (physicalOffset < 0 || physicalOffset > given) {
      return `it claims a log up to ${physicalOffset}, and nobody got more of ours than ${given}: it has to start empty`
    }
    if (from < minPhysicalOffset) {
      return `it asks for bytes from ${physicalOffset} on, our log begins at ${minPhysicalOffset}: it has to start empty`
    }
    this.#next = from
    return undefined
  }

  #faultOf(physicalOffset: number): string | undefined {
    if (physicalOffset >= 0 && physicalOffset <= this.#next) return undefined
    return `it claims a log up to ${physicalOffset}, and got ${this.#next}`
  }

  /** @param inMemory what is next has just been read by the store's own threads */
  #pump(inMemory: boolean): void {
    if (this.#next < 0 || this.#waiting || this.#isWritten) return
    try {
      if (inMemory) for (const damage of this.#log.takeLogDamage()) this.#events.onDamage(damage)
      this.#sendTurn(inMemory)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#endUnreadable(error)
    }
  }

  #sendTurn(inMemory: boolean): void {
    const turnEnd = this.#next + TURN_BYTES
    for (;;) {
      const pendingBytes = this.#log.replicableEnd - this.#next
      if (pendingBytes <= 0) {
        this.#isCatchingUp = false
        if (this.#lifecycle === 'finishing' && this.#next >= this.#log.watermarks.appended) this.#endWriting()
        return
      }
      if (this.#socket.writableLength >= MAX_QUEUED_BYTES) return
      if (!inMemory && (this.#isCatchingUp || pendingBytes > this.#settings.nearBytes)) {
        this.#readAhead()
        return
      }
      if (this.#next >= turnEnd) {
        this.#pumpLater()
        return
      }
      this.#sendFrame(Math.min(pendingBytes, this.#settings.frameBytes, MAX_FRAME_BYTES))
    }
  }

  #sendFrame(maxBytes: number): void {
    const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + maxBytes)
    const sizeBytes = this.#log.readLog(this.#next, frame, FRAME_HEADER_BYTES, maxBytes)
    if (sizeBytes === 0) throw new StoreError('STORE_IO_ERROR', 'nothing stands there')
    writeFrameHeader(frame, 0, this.#next, sizeBytes)
    this.#next += sizeBytes
    this.#events.onGiven(this.#next)
    this.#write(frame.subarray(0, FRAME_HEADER_BYTES + sizeBytes))
  }

  #write(bytes: Buffer): void {
    this.#lastWriteMs = this.#clock.monotonicMs()
    this.#socket.write(bytes)
  }

  #pumpLater(): void {
    this.#waiting = true
    setImmediate(() => {
      this.#waiting = false
      this.pump()
    })
  }

  #readAhead(): void {
    this.#waiting = true
    const goOn = (inMemory: boolean): void => {
      this.#waiting = false
      this.#pump(inMemory)
    }
    this.#log.readLogAhead(this.#next, TURN_BYTES).then(
      (taken) => void (taken ? goOn(true) : this.#clock.after(READ_AGAIN_MS, () => goOn(false))),
      (error: unknown) => this.#endUnreadable(error),
    )
  }

  #endUnreadable(error: unknown): void {
    this.#end(`the log cannot be read at ${this.#next}: ${errorText(error)}`)
  }

  #endWriting(): void {
    this.#lifecycle = 'written'
    this.#socket.end()
  }

  get #isWritten(): boolean {
    return this.#lifecycle === 'written' || this.#lifecycle === 'ended'
  }

  #end(fault: string | undefined): void {
    if (this.#lifecycle === 'ended') return
    this.#lifecycle = 'ended'
    this.#socket.destroy()
    this.#events.onEnd(this, fault)
  }
}
