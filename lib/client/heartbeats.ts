import { errorText } from '../base/errors.ts'
import type { RemotingClient } from '../net/client.ts'
import type { RequestOf } from '../protocol/command.ts'
import { heartBeat } from '../protocol/commands/heart-beat.ts'
import { unregisterClient } from '../protocol/commands/unregister-client.ts'
import type { ClientSettings } from './client-options.ts'

interface Parts {
  readonly remoting: RemotingClient
  readonly settings: ClientSettings
  /** Brokers that are to know this client. */
  readonly addresses: () => readonly string[]
  readonly body: () => Buffer
}

/** Keeps every broker informed of this client: a broker forgets a client whose connection closed. */
export class Heartbeats {
  readonly #parts: Parts
  /** Brokers that know this client over a connection that is still open. */
  readonly #known = new Set<string>()
  readonly #underWay = new Map<string, Promise<void>>()
  /** Those whose failure was logged, until they answer again. */
  readonly #failing = new Set<string>()
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Tells all brokers. Failures are logged, not thrown. */
  async beat(): Promise<void> {
    await Promise.all(this.#parts.addresses().map((address) => this.#beatOnce(address)))
  }

  /** Tells the brokers that do not know this client: new ones, and those whose connection was lost. */
  async beatNew(): Promise<void> {
    const missing = this.#parts.addresses().filter((address) => !this.#known.has(address))
    await Promise.all(missing.map((address) => this.#beatOnce(address)))
  }

  /** Takes the client out of its groups on every broker that knows it. No heartbeat follows. */
  async unregister(header: RequestOf<typeof unregisterClient>): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#underWay.values())
    const { remoting, settings } = this.#parts
    const told = [...this.#known].map(async (address) => {
      try {
        await remoting.invoke(address, unregisterClient, header, { timeoutMs: settings.requestTimeoutMs })
      } catch (error) {
        // The broker finds out when the connection closes, which is next.
        settings.logger.debug({ address, error }, 'not unregistered')
      }
    })
    await Promise.all(told)
  }

  #beatOnce(address: string): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    const running = this.#underWay.get(address)
    if (running !== undefined) return running
    const beating = this.#beat(address).finally(() => this.#underWay.delete(address))
    this.#underWay.set(address, beating)
    return beating
  }

  async #beat(address: string): Promise<void> {
    const { remoting, settings, body } = this.#parts
    const { logger, requestTimeoutMs: timeoutMs } = settings
    try {
      await remoting.invoke(address, heartBeat, {}, { body: body(), timeoutMs })
      this.#failing.delete(address)
      if (this.#known.has(address)) return
      this.#known.add(address)
      const connection = await remoting.connection(address)
      connection.onClose(() => this.#known.delete(address))
    } catch (error) {
      this.#known.delete(address)
      if (this.#failing.has(address) || this.#stopped) return
      this.#failing.add(address)
      logger.warn({ address, error }, `no heartbeat to ${address}: ${errorText(error)}`)
    }
  }
}
