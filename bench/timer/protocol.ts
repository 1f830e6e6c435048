/** What the sender process is asked to send. */
export interface SendOrder {
  readonly port: number
  readonly count: number
  /** Messages per second; 0: as fast as the answers come. */
  readonly rate: number
  /**
   * When messages are due, spread evenly over a span that begins so long after the order came; undefined: they are
   * plain ones.
   */
  readonly due: { readonly afterMs: number; readonly spanMs: number } | undefined
}

/** What the sender process says when all is answered. */
export interface SendReport {
  readonly failures: number
}

export const TOPIC = 'BenchTimer'
export const BODY_BYTES = 128
