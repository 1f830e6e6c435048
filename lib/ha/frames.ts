/** Slave to master: nothing but positions, big-endian, one behind the other. */
export const REPORT_BYTES = 8
/** Master to slave: physical offset, 8 bytes, then the number of log bytes that follow, 4 bytes; 0 of them show life. */
export const FRAME_HEADER_BYTES = 12
/** Java slaves receive into 4 MiB: a frame that does not fit would stop them for good. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024 - FRAME_HEADER_BYTES

/** Writes the header of a frame to `into` at `at`. */
export const writeFrameHeader = (into: Buffer, at: number, physicalOffset: number, sizeBytes: number): void => {
  into.writeBigInt64BE(BigInt(physicalOffset), at)
  into.writeInt32BE(sizeBytes, at + 8)
}

/** Finds a slave's reports in what comes from it, however it is cut. */
export class ReportReader {
  readonly #part = Buffer.alloc(REPORT_BYTES)
  #partBytes = 0

  /**
   * Calls back with each whole report in [0, sizeBytes) of `chunk`, in order, until the callback gives false. One that
   * is no safe integer is given as -1.
   */
  read(chunk: Buffer, sizeBytes: number, onReport: (physicalOffset: number) => boolean): void {
    let at = 0
    while (at < sizeBytes) {
      const taken = Math.min(REPORT_BYTES - this.#partBytes, sizeBytes - at)
      chunk.copy(this.#part, this.#partBytes, at, at + taken)
      this.#partBytes += taken
      at += taken
      if (this.#partBytes < REPORT_BYTES) return
      this.#partBytes = 0
      const physicalOffset = Number(this.#part.readBigInt64BE(0))
      if (!onReport(Number.isSafeInteger(physicalOffset) ? physicalOffset : -1)) return
    }
  }
}
