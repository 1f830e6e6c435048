import {
  FRAME_PREFIX_BYTES,
  FrameError,
  LENGTH_WORD_BYTES,
  readContentLength,
  readFrameBounds,
} from '../protocol/frame.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { FrameView } from './connection.ts'
import type { NetLimits } from './limits.ts'

const FIRST_PARTIAL_BYTES = 4 * 1024
const EMPTY = Buffer.alloc(0)
/** First byte of a TLS ClientHello. As a length word's first byte it would mean 369 MB. */
const TLS_HANDSHAKE_BYTE = 0x16

/** Why bytes are no frame: for the log, and the connection is to be closed. */
export type FrameFault = string

/**
 * Cuts a stream of chunks into frames, in place. Only a frame that straddles chunks is copied, into memory that grows
 * as its bytes arrive: a declared length alone allocates nothing.
 *
 * Use per chunk: `take`, then whatever reads the frames, then `keepRest`. Until `keepRest` all offered frames stay valid.
 */
export class FrameAssembler {
  readonly #pool: BufferPool
  readonly #limits: NetLimits
  readonly #view: FrameView = {
    buffer: EMPTY,
    serializeType: 0,
    headerStart: 0,
    headerEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
  }
  /** The beginning of a frame from earlier chunks: [0, partialBytes). */
  #partial: Buffer = EMPTY
  #partialBytes = 0
  /** The partial was completed and offered; its memory goes back in `keepRest`. */
  #partialOffered = false

  constructor(pool: BufferPool, limits: NetLimits) {
    this.#pool = pool
    this.#limits = limits
  }

  /** Bytes held of a frame that is not complete. */
  get partialBytes(): number {
    return this.#partialBytes
  }

  /**
   * Offers every complete frame of [0, end) of a chunk, one reused view for all.
   * @returns where the incomplete rest begins, or why the stream is not ours
   */
  take(chunk: Buffer, end: number, onFrame: (frame: FrameView) => boolean): number | FrameFault {
    let at = 0
    if (this.#partialBytes > 0) {
      const filled = this.#fillPartial(chunk, end)
      if (typeof filled === 'string') return filled
      if (!this.#isPartialComplete()) return filled
      at = filled
      this.#partialOffered = true
      if (!this.#offer(this.#partial, onFrame)) return end
    }
    while (end - at >= LENGTH_WORD_BYTES) {
      const fault = this.#fault(chunk, at, end)
      if (fault !== undefined) return fault
      const next = at + LENGTH_WORD_BYTES + chunk.readInt32BE(at)
      if (next > end) break
      if (!this.#offer(chunk, onFrame)) return end
      at = next
    }
    return at
  }

  /** Ends a chunk: keeps [at, end) for the next one and gives back what completed frames lay in. */
  keepRest(chunk: Buffer, at: number, end: number): void {
    if (this.#partialOffered) this.discard()
    if (at < end) this.#append(chunk, at, end)
  }

  /** Forgets a partial frame and gives its memory back. */
  discard(): void {
    this.#pool.give(this.#partial)
    this.#partial = EMPTY
    this.#partialBytes = 0
    this.#partialOffered = false
  }

  /** Offers the frame that `#fault` last found without fault in `buffer`. */
  #offer(buffer: Buffer, onFrame: (frame: FrameView) => boolean): boolean {
    this.#view.buffer = buffer
    return onFrame(this.#view)
  }

  /** Copies from the chunk what the partial frame still lacks. Returns where the chunk goes on. */
  #fillPartial(chunk: Buffer, end: number): number | FrameFault {
    let at = this.#appendUpTo(chunk, 0, end, LENGTH_WORD_BYTES)
    if (this.#partialBytes < LENGTH_WORD_BYTES) return at
    at = this.#appendUpTo(chunk, at, end, FRAME_PREFIX_BYTES)
    const fault = this.#fault(this.#partial, 0, this.#partialBytes)
    return fault ?? this.#appendUpTo(chunk, at, end, LENGTH_WORD_BYTES + this.#partial.readInt32BE(0))
  }

  #isPartialComplete(): boolean {
    return (
      this.#partialBytes >= FRAME_PREFIX_BYTES &&
      this.#partialBytes === LENGTH_WORD_BYTES + this.#partial.readInt32BE(0)
    )
  }

  #appendUpTo(chunk: Buffer, at: number, end: number, wantedBytes: number): number {
    const missing = wantedBytes - this.#partialBytes
    if (missing <= 0 || at >= end) return at
    const upTo = Math.min(end, at + missing)
    this.#append(chunk, at, upTo)
    return upTo
  }

  #append(chunk: Buffer, at: number, end: number): void {
    const needed = this.#partialBytes + end - at
    if (needed > this.#partial.length) {
      const grown = this.#pool.take(Math.max(FIRST_PARTIAL_BYTES, needed, 2 * this.#partialBytes))
      this.#partial.copy(grown, 0, 0, this.#partialBytes)
      this.#pool.give(this.#partial)
      this.#partial = grown
    }
    chunk.copy(this.#partial, this.#partialBytes, at, end)
    this.#partialBytes = needed
  }

  /** Checks the words of a frame as far as they have arrived; with both, its bounds stand in the view. */
  #fault(buffer: Buffer, start: number, end: number): FrameFault | undefined {
    const { maxFrameBytes, maxHeaderBytes } = this.#limits
    try {
      const contentBytes = readContentLength(buffer, start, maxFrameBytes)
      if (end - start < FRAME_PREFIX_BYTES) return undefined
      const contentStart = start + LENGTH_WORD_BYTES
      readFrameBounds(buffer, contentStart, contentStart + contentBytes, this.#view, maxHeaderBytes)
      return undefined
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      const isTls = error.code === 'FRAME_TOO_LONG' && buffer[start] === TLS_HANDSHAKE_BYTE
      return isTls ? 'TLS is not supported' : error.message
    }
  }
}
