import { writeAtomically } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { parsePropertiesBytes } from '../../base/properties-file.ts'
import { formatAddress } from '../../net/address.ts'
import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import { type DataVersion, encodeDataVersion, nextDataVersion } from '../../protocol/bodies/data-version.ts'
import { getBrokerConfig } from '../../protocol/commands/get-broker-config.ts'
import { updateBrokerConfig } from '../../protocol/commands/update-broker-config.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { orRefuse } from './refusals.ts'

/** What showing and changing settings needs. */
export interface SettingsParts {
  readonly config: BrokerConfig
  /** File the configuration is written back to; undefined keeps changes in memory. */
  readonly configPath: string | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Gives all topics a new version and tells every name server: a change of permission shows in all of them. */
  readonly announceTopics: () => Promise<void>
}

/** Shows the configuration and changes what may change while the broker runs: codes 26 and 25. */
export const brokerSettingsHandlers = ({
  config,
  configPath,
  clock,
  logger,
  announceTopics,
}: SettingsParts): Handler[] => {
  let version: DataVersion = { counter: 0, timestamp: clock.nowMs() }
  return [
    handler(getBrokerConfig, () =>
      reply({ version: encodeDataVersion(version).toString() }, { body: Buffer.from(config.text) }),
    ),
    handler(updateBrokerConfig, async (_, { request, connection }) => {
      const properties = parsePropertiesBytes(request.body)
      if (config.isBlackListed(properties.keys())) {
        throw new ResponseError('NO_PERMISSION', 'Can not update config in black list.')
      }
      orRefuse(() => config.update(properties))
      version = nextDataVersion(version, clock.nowMs())
      logger.info(
        { ...Object.fromEntries(properties), peer: formatAddress(connection.remote) },
        'configuration changed',
      )
      if (configPath !== undefined) await writeAtomically(configPath, config.fileText)
      if (properties.has('brokerPermission')) await announceTopics()
      return {}
    }),
  ]
}
