import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Clock, TimerHandle } from '../base/clock.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import type { Logger } from '../base/logging.ts'
import { ThrottledLog } from '../base/throttled-log.ts'
import { formatAddress, remoteAddress } from '../net/address.ts'
import { type ListenAt, listen } from '../net/listen.ts'
import { receiveAccepted, receiveBuffer } from '../net/receive.ts'
import type { ReplicatedLog } from './replicated-log.ts'
import { type HaSettings, type LinkEvents, SlaveLink } from './slave-link.ts'

/** One slave as the master sees it. */
export interface SlaveState {
  /** host:port its connection comes from. */
  readonly address: string
  /** Physical offset up to which it has the log; -1 while it has not said. */
  readonly acked: number
}

/** What a master works with. */
export interface HaMasterParts {
  readonly log: ReplicatedLog
  readonly settings: HaSettings
  readonly clock: Clock
  readonly logger: Logger
}

const MAX_LINKS = 64
const CHECK_PERIOD_MS = 1_000
const STOP_MS = 1_000

/**
 * The master's side of RocketMQ's replication (its default service, 4.9 and 5.x alike): slaves dial the HA port, say how
 * far their log goes, get the bytes from there on, and say how far they have come. Nobody has to prove who he is there: the
 * port belongs into a network that only brokers reach. What can be told from outside is looked at: nobody has more than
 * he was sent, or at first more than anybody was.
 */
export class HaMaster implements Stoppable {
  readonly #log: ReplicatedLog
  readonly #settings: HaSettings
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #faults: ThrottledLog
  readonly #links = new Set<SlaveLink>()
  readonly #listeners: (() => void)[] = []
  readonly #buffer = receiveBuffer()
  readonly #checks: TimerHandle
  readonly #events: LinkEvents = {
    given: () => this.#given,
    onGiven: (physicalOffset) => {
      if (physicalOffset > this.#given) this.#given = physicalOffset
    },
    onReport: (acked) => this.#reported(acked),
    onDamage: (damage) =>
      this.#logger.error(
        { ...damage },
        'the commit log is damaged: slaves get the bytes as they are (quarantine.json)',
      ),
    onEnd: (link, fault) => this.#ended(link, fault),
  }
  #server: Server | undefined
  #replicated = 0
  #given: number
  #onLastGone: (() => void) | undefined
  #pumpScheduled = false
  #waitsForBytes = false
  #stopping: Promise<void> | undefined

  constructor(parts: HaMasterParts) {
    this.#log = parts.log
    this.#settings = parts.settings
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#given = parts.log.watermarks.appended
    this.#faults = new ThrottledLog(parts.clock, parts.logger)
    this.#checks = parts.clock.every(CHECK_PERIOD_MS, () => this.#check())
  }

  /**
   * Begins to listen for slaves.
   * @returns the port slaves dial
   * @throws {NetError} as {@link listen}
   */
  async listen(at: ListenAt): Promise<number> {
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket))
    const { port } = await listen(server, at, this.#logger)
    this.#server = server
    return port
  }

  get slaves(): readonly SlaveState[] {
    return [...this.#links].map(({ remote, acked }) => ({ address: formatAddress(remote), acked }))
  }

  /** Says that the log has grown: slaves get it once it may be given away. One call a batch of messages is enough. */
  appended(): void {
    if (this.#links.size === 0 || this.#pumpScheduled) return
    this.#pumpScheduled = true
    setImmediate(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  /** Whether a slave that said where it is, is near enough to `endOffset` for a wait to make sense. */
  available(endOffset: number): boolean {
    for (const { acked } of this.#links) {
      if (acked >= 0 && endOffset - acked < this.#settings.fallbehindMaxBytes) return true
    }
    return false
  }

  /** A slave said that it has everything below. */
  get replicated(): number {
    return this.#replicated
  }

  /** `listener` is called whenever {@link replicated} has grown. */
  onReplicated(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Accepts nobody any more, and gives slaves a second at most to take what they have not got. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#checks.cancel()
    const server = this.#server
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    const allGone = new Promise<void>((resolve) => {
      this.#onLastGone = resolve
    })
    for (const link of this.#links) link.finish()
    if (this.#links.size > 0) {
      this.#awaitBytes()
      // Nobody else asks for it any more.
      if (this.#log.flushMode === 'sync') this.#log.requestFlush(this.#log.watermarks.appended)
      const overdue = this.#clock.after(STOP_MS, () => {
        for (const link of this.#links) link.close()
      })
      await allGone
      overdue.cancel()
    }
    await closed
  }

  #accept(accepted: Socket): void {
    const remote = remoteAddress(accepted.remoteAddress, accepted.remotePort)
    if (this.#stopping !== undefined || this.#links.size >= MAX_LINKS) {
      accepted.on('error', () => undefined)
      accepted.destroy()
      if (this.#stopping === undefined) {
        this.#faults.warn({ peer: formatAddress(remote) }, `slave refused: ${MAX_LINKS} are connected`)
      }
      return
    }
    let link: SlaveLink | undefined
    const socket = receiveAccepted(accepted, 'buffer', this.#buffer, (chunk, sizeBytes) =>
      link?.receive(chunk, sizeBytes),
    )
    link = new SlaveLink(socket, remote, {
      log: this.#log,
      settings: this.#settings,
      clock: this.#clock,
      events: this.#events,
    })
    this.#links.add(link)
    this.#logger.info({ peer: formatAddress(remote) }, 'a slave has connected')
  }

  #ended(link: SlaveLink, fault: string | undefined): void {
    this.#links.delete(link)
    const peer = formatAddress(link.remote)
    if (fault !== undefined) this.#faults.warn({ peer }, `connection to a slave closed: ${fault}`)
    else this.#logger.info({ peer, acked: link.acked }, 'a slave has gone')
    if (this.#links.size === 0) this.#onLastGone?.()
  }

  /** @param acked the most that a slave has now */
  #reported(acked: number): void {
    this.#awaitBytes()
    if (acked <= this.#replicated) return
    this.#replicated = acked
    for (const listener of this.#listeners) listener()
  }

  #check(): void {
    for (const link of this.#links) link.check()
  }

  #pump(): void {
    for (const link of this.#links) link.pump()
    this.#awaitBytes()
  }

  /** What was appended and may not be given away yet: comes when it is in the files, or on the device. */
  #awaitBytes(): void {
    const { appended } = this.#log.watermarks
    if (this.#waitsForBytes || this.#links.size === 0 || appended <= this.#log.replicableEnd) return
    this.#waitsForBytes = true
    const come = (failure: unknown): void => {
      this.#waitsForBytes = false
      // A store that failed or closed gives no more bytes away.
      if (failure === undefined) this.#pump()
    }
    if (this.#log.flushMode === 'sync') this.#log.onFlushed(appended, come)
    else this.#log.whenCommitted(appended).then(() => come(undefined), come)
  }
}
