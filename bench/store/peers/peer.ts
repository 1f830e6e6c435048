import type { BodySource } from '../body-source.ts'
import type { FlushMode } from '../rows.ts'

/** A log as a Node program would write it. */
export interface Peer {
  /** Appends the body that starts at `start` of the source. Resolves when the flush mode's promise is true. */
  append(start: number): Promise<void>
  /** Appends bodies at once without waiting for the device; only where it exists. */
  appendAll?(starts: readonly number[]): void
  /** Where the log ends, and what lies below an offset may go; only where it exists. Does not wait for that. */
  endOffset?(): number
  deleteBelow?(offset: number): void
  /** Makes everything durable. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** What a peer is opened with. */
export interface PeerOptions {
  readonly directory: string
  readonly flush: FlushMode
  readonly writePath: string
  readonly source: BodySource
  readonly segmentBytes: number
  readonly stagingBytes: number
}
