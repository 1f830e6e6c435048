import type { Clock } from '../base/clock.ts'
import type { Durability, DurabilityOutcome } from './durability.ts'
import { TimedWaits } from './timed-waits.ts'

/** Copies of the log on slaves. */
export interface Replicas {
  /** The log has grown. */
  appended(): void
  /** Whether a slave is near enough to `endOffset` for a wait to make sense. */
  available(endOffset: number): boolean
  /** Calls back once a slave has everything below. */
  onReplicated(endOffset: number, callback: () => void): void
}

const NO_REPLICA: DurabilityOutcome = { kind: 'no-replica' }
const REPLICA_TIMEOUT: DurabilityOutcome = { kind: 'replica-timeout' }

/** A master's promise: what the flush mode promises and, of a SYNC_MASTER, that a slave has the bytes as well. */
export class ReplicatedDurability implements Durability {
  readonly #local: Durability
  readonly #replicas: Replicas
  /** Absent unless slaves are waited for. */
  readonly #waits: TimedWaits | undefined

  /** @param slaveTimeoutMs how long an append may wait for a slave (`slaveTimeout`); undefined: it does not */
  constructor(local: Durability, replicas: Replicas, clock: Clock, slaveTimeoutMs: number | undefined) {
    this.#local = local
    this.#replicas = replicas
    this.#waits = slaveTimeoutMs === undefined ? undefined : new TimedWaits(clock, slaveTimeoutMs)
  }

  get waits(): boolean {
    return this.#waits !== undefined || this.#local.waits
  }

  /** As in Java, what the slaves did not do says more than what the device did not do in time. */
  hold(endOffset: number, settle: (outcome: DurabilityOutcome) => void): void {
    this.#replicas.appended()
    const waits = this.#waits
    if (waits === undefined) {
      this.#local.hold(endOffset, settle)
      return
    }
    if (!this.#replicas.available(endOffset)) {
      this.#local.hold(endOffset, (outcome) => settle(outcome.kind === 'failed' ? outcome : NO_REPLICA))
      return
    }
    let local: DurabilityOutcome | undefined
    let copied: boolean | undefined
    const settleWhenBoth = (): void => {
      if (local !== undefined && copied !== undefined) settle(copied ? local : REPLICA_TIMEOUT)
    }
    const wait = waits.begin(() => {
      copied = false
      settleWhenBoth()
    })
    this.#replicas.onReplicated(endOffset, () => {
      if (!waits.end(wait)) return
      copied = true
      settleWhenBoth()
    })
    this.#local.hold(endOffset, (outcome) => {
      local = outcome
      if (outcome.kind !== 'failed') {
        settleWhenBoth()
        return
      }
      waits.end(wait)
      settle(outcome)
    })
  }

  requestSoon(endOffset: number): void {
    this.#replicas.appended()
    this.#local.requestSoon(endOffset)
  }

  /** What still waits for a slave is answered: it may be there or not. */
  stop(): void {
    this.#waits?.stop()
    this.#waits?.expireAll()
  }
}
