import type { TimerHandle } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import type { Stoppable } from '../base/lifecycle.ts'
import { RemotingClient } from '../net/client.ts'
import type { Handler } from '../net/handler.ts'
import { SystemTopic } from '../protocol/names.ts'
import { type ClientIdentity, newClientIdentity } from './client-identity.ts'
import type { ClientSettings } from './client-options.ts'
import { Heartbeats } from './heartbeats.ts'
import { NameServers } from './name-servers.ts'
import { RouteTable } from './route-table.ts'

/** How often routes are asked for again and every broker gets a heartbeat. */
const REFRESH_PERIOD_MS = 30_000

/** What a producer or consumer adds to what all clients do. */
export interface ClientRole {
  /** Body of the heartbeat as of now. */
  heartbeat(clientId: string): Buffer
  /** Consumers are known to slaves as well, since they read from them. */
  readonly heartbeatTo: 'all' | 'masters'
  readonly handlers: readonly Handler[]
  /** A topic got its first route or another one. */
  onRouteChange(topic: string): void
  readonly identity?: ClientIdentity
}

/** What producers and consumers share: connections, routes, heartbeats, and the end of them all. */
export class ClientInstance implements Stoppable {
  readonly identity: ClientIdentity
  readonly remoting: RemotingClient
  readonly nameServers: NameServers
  readonly routes: RouteTable
  readonly heartbeats: Heartbeats
  readonly settings: ClientSettings
  #refresh: TimerHandle | undefined
  #keepAlive: NodeJS.Timeout | undefined
  #stopping: Promise<void> | undefined

  constructor(settings: ClientSettings, role: ClientRole) {
    const { clock, logger, nameServers, requestTimeoutMs, tls } = settings
    this.settings = settings
    this.identity = role.identity ?? newClientIdentity()
    this.remoting = new RemotingClient({
      clock,
      logger,
      handlers: role.handlers,
      connectTimeoutMs: requestTimeoutMs,
      tls,
    })
    this.nameServers = new NameServers(nameServers, this.remoting)
    this.routes = new RouteTable(this.nameServers, (topic) => role.onRouteChange(topic))
    this.heartbeats = new Heartbeats({
      remoting: this.remoting,
      settings,
      addresses: () => this.routes.addresses(role.heartbeatTo),
      body: () => role.heartbeat(this.identity.clientId),
    })
  }

  /**
   * Makes sure that a name server answers, and begins to refresh routes and send heartbeats. From here to `stop` the
   * process stays alive.
   * @throws {ClientError} `CLIENT_NO_NAME_SERVER`
   */
  async start(): Promise<void> {
    const { clock, logger, requestTimeoutMs } = this.settings
    // Any topic would do.
    await this.nameServers.route(SystemTopic.AUTO_CREATE_KEY, requestTimeoutMs)
    // Timers of the clock do not keep the process alive, and there may be no open connection for a while.
    this.#keepAlive = setInterval(() => undefined, 2 ** 31 - 1)
    this.#refresh = clock.every(REFRESH_PERIOD_MS, () => {
      this.routes
        .refresh(requestTimeoutMs)
        .catch((error: unknown) => logger.warn({ error }, `routes not refreshed: ${errorText(error)}`))
        .then(() => this.heartbeats.beat())
    })
  }

  /** Takes the client out of its group and closes all connections. Idempotent. */
  stop(groups: { readonly producerGroup?: string; readonly consumerGroup?: string } = {}): Promise<void> {
    this.#stopping ??= this.#stop(groups)
    return this.#stopping
  }

  async #stop(groups: { readonly producerGroup?: string; readonly consumerGroup?: string }): Promise<void> {
    this.#refresh?.cancel()
    try {
      await this.heartbeats.unregister({ clientID: this.identity.clientId, ...groups })
      await this.remoting.stop()
    } finally {
      clearInterval(this.#keepAlive)
    }
  }
}
