import type { Clock } from '../base/clock.ts'
import type { Durability, DurabilityOutcome } from './durability.ts'
import { TimedWaits } from './timed-waits.ts'

/** Copies of the log on slaves. */
export interface Replicas {
  /** A slave has everything below. */
  readonly replicated: number
  /** The log has grown. */
  appended(): void
  /** Whether a slave is near enough to `endOffset` for a wait to make sense. */
  available(endOffset: number): boolean
  /** `listener` is called whenever {@link replicated} has grown. */
  onReplicated(listener: () => void): void
}

const NO_REPLICA: DurabilityOutcome = { kind: 'no-replica' }
const REPLICA_TIMEOUT: DurabilityOutcome = { kind: 'replica-timeout' }

/** A master's promise: what the flush mode promises and, of a SYNC_MASTER, that a slave has the bytes as well. */
export class ReplicatedDurability implements Durability {
  readonly #local: Durability
  readonly #replicas: Replicas
  /** Absent unless slaves are waited for. */
  readonly #waits: TimedWaits | undefined
  #stopped = false

  /** @param slaveTimeoutMs how long an append may wait for a slave (`slaveTimeout`); undefined: it does not */
  constructor(local: Durability, replicas: Replicas, clock: Clock, slaveTimeoutMs: number | undefined) {
    this.#local = local
    this.#replicas = replicas
    if (slaveTimeoutMs === undefined) return
    const waits = new TimedWaits(clock, slaveTimeoutMs)
    replicas.onReplicated(() => waits.passed(replicas.replicated))
    this.#waits = waits
  }

  get waits(): boolean {
    return this.#waits !== undefined || this.#local.waits
  }

  /** As in Java, what the slaves did not do says more than what the device did not do in time. */
  hold(endOffset: number, settle: (outcome: DurabilityOutcome) => void): void {
    const replicas = this.#replicas
    replicas.appended()
    const waits = this.#waits
    if (waits === undefined || endOffset <= replicas.replicated) this.#local.hold(endOffset, settle)
    else if (this.#stopped || !replicas.available(endOffset)) {
      this.#local.hold(endOffset, (outcome) => settle(outcome.kind === 'failed' ? outcome : NO_REPLICA))
    } else this.#holdForBoth(waits, endOffset, settle)
  }

  requestSoon(endOffset: number): void {
    this.#replicas.appended()
    this.#local.requestSoon(endOffset)
  }

  /** Gives up on the slaves, also for what is held later. */
  stop(): void {
    this.#stopped = true
    this.#waits?.stop()
    this.#waits?.expireAll()
  }

  #holdForBoth(waits: TimedWaits, endOffset: number, settle: (outcome: DurabilityOutcome) => void): void {
    let local: DurabilityOutcome | undefined
    let copied: boolean | undefined
    const settleWhenBoth = (): void => {
      if (local !== undefined && copied !== undefined) settle(copied ? local : REPLICA_TIMEOUT)
    }
    const wait = waits.begin(endOffset, (how) => {
      copied = how === 'passed'
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
}
