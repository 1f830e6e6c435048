import { type Clock, systemClock } from '../base/clock.ts'
import { Parts, type Stoppable } from '../base/lifecycle.ts'
import { type Logger, silentLogger } from '../base/logging.ts'
import { formatAddress } from '../net/address.ts'
import { RemotingServer } from '../net/server.ts'
import { startServerTls } from '../net/tls/tls.ts'
import { namesrvHandlers } from './handlers/index.ts'
import { KvConfig } from './kv-config.ts'
import type { NamesrvConfig } from './namesrv-config.ts'
import { RouteTables } from './route-tables.ts'

const SCAN_PERIOD_MS = 10_000
const FIRST_SCAN_MS = 5_000

/** What a name server runs in. */
export interface NameServerSurroundings {
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: none. */
  readonly logger?: Logger
  /** Address to listen on. Default all. */
  readonly listenHost?: string
}

/** A running name server. */
export interface NameServer extends Stoppable {
  /** `host:port` it listens on. */
  readonly address: string
  /** Port it listens on: the one chosen when 0 was configured. */
  readonly port: number
  stop(): Promise<void>
}

/**
 * Starts a name server. It knows nothing of other name servers: brokers register with each of them.
 * @throws {NetError} `NET_PORT_IN_USE`, `NET_LISTEN_FAILED`, `NET_TLS_CONFIG_INVALID`, `NET_TLS_FILE_INVALID`
 * @throws {FileError} `FILE_UNREADABLE` when the KV configuration is damaged
 */
export const startNameServer = async (
  config: NamesrvConfig,
  { clock = systemClock, logger = silentLogger, listenHost }: NameServerSurroundings = {},
): Promise<NameServer> => {
  const { kvConfigPath, listenPort, serverChannelMaxIdleTimeSeconds, serverSocketBacklog } = config.current
  const parts = new Parts()
  const kvConfig = await KvConfig.load(kvConfigPath)
  const routes = new RouteTables({ clock, logger })
  const scan = clock.every(SCAN_PERIOD_MS, () => routes.removeExpired(), FIRST_SCAN_MS)
  parts.onStop('scan', () => scan.cancel())
  const idleTimeoutMs = serverChannelMaxIdleTimeSeconds * 1_000
  const handlers = namesrvHandlers({ routes, kvConfig, config })
  try {
    const tls = await startServerTls(config.current, { clock, logger, parts })
    const server = await parts.start(
      'listener',
      () => new RemotingServer({ clock, logger, unknownCode: 'silent', idleTimeoutMs, tls }),
    )
    const bound = await server.listen({ host: listenHost, port: listenPort, handlers, backlog: serverSocketBacklog })
    return { address: formatAddress(bound), port: bound.port, stop: () => parts.stop() }
  } catch (error) {
    await parts.stop()
    throw error
  }
}
