import { type Clock, systemClock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import { Parts, type Stoppable } from '../base/lifecycle.ts'
import { type Logger, silentLogger } from '../base/logging.ts'
import { parseAddress } from '../net/address.ts'
import { RemotingClient } from '../net/client.ts'
import { RemotingServer } from '../net/server.ts'
import { registerFilterServer } from '../protocol/commands/register-filter-server.ts'
import { FilterClasses } from './filter-classes.ts'
import { filterServerHandlers } from './handlers.ts'
import { openSandbox } from './sandbox.ts'

/** How a filter server is started. */
export interface FilterServerOptions {
  /** host:port of the broker that it pulls from. */
  readonly brokerAddress: string
  /** Host that consumers are told. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Address to listen on. Default all. */
  readonly listenHost?: string
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: silent. */
  readonly logger?: Logger
}

/** A running filter server. */
export interface FilterServer extends Stoppable {
  /** host:port that consumers are told. */
  readonly address: string
}

const REGISTER_PERIOD_MS = 10_000

/**
 * Starts a filter server: consumers that filter by class send it the source of their filter, JavaScript, and pull
 * through it from the broker beside it. Resolved = registered with the broker.
 * @throws {NetError} `NET_PORT_IN_USE`, `NET_ADDRESS_INVALID`, or the broker cannot be reached
 * @throws {RemoteError} the broker takes no filter servers
 */
export const startFilterServer = async (options: FilterServerOptions): Promise<FilterServer> => {
  const { brokerAddress, host, port, listenHost, clock = systemClock, logger = silentLogger } = options
  parseAddress(brokerAddress)
  const parts = new Parts()
  try {
    const client = await parts.start('client', () => new RemotingClient({ clock, logger }))
    const classes = await parts.start('classes', async () => new FilterClasses(await openSandbox(clock), clock))
    const server = await parts.start(
      'server',
      () => new RemotingServer({ clock, logger, unknownCode: 'answer-not-supported' }),
    )
    const handlers = filterServerHandlers({ classes, client, brokerAddress })
    const bound = await server.listen({ host: listenHost, port, handlers })
    const address = `${host}:${bound.port}`
    const register = () => client.invoke(brokerAddress, registerFilterServer, { filterServerAddr: address })
    await register()
    const timer = clock.every(REGISTER_PERIOD_MS, () => {
      register().catch((error: unknown) => logger.warn({ reason: errorText(error) }, 'the broker was not told'))
    })
    parts.onStop('registration', () => timer.cancel())
    return { address, stop: () => parts.stop() }
  } catch (error) {
    await parts.stop()
    throw error
  }
}
