import { join } from 'node:path'
import { flag, type Machine, maybeText, text, type ValuesOf } from '../base/config-key.ts'
import { serverKeys } from '../net/server-keys.ts'
import { tlsKeys } from '../net/tls/tls-keys.ts'

const UNUSED = { unused: true } as const

const fileOf =
  (name: string) =>
  ({ homeDirectory }: Machine): string =>
    join(homeDirectory, 'namesrv', name)

/**
 * Every key of Java 4.9.8's NamesrvConfig and NettyServerConfig, in their order, and those of TLS. What is not live and changed over the
 * wire takes effect at the next start.
 */
export const namesrvKeys = {
  rocketmqHome: maybeText('home of a Java installation', UNUSED, ({ environment }) => environment.ROCKETMQ_HOME),
  kvConfigPath: text(fileOf('kvConfig.json'), 'file of the KV configuration'),
  configStorePath: text(fileOf('namesrv.properties'), 'file that changes at run time are written to'),
  productEnvName: text('center', 'environment that cluster tests ask', UNUSED),
  clusterTest: flag(false, 'cluster test mode', UNUSED),
  orderMessageEnable: flag(false, 'routes of ordered topics carry their configuration', { live: true }),
  configBlackList: text(
    'configBlackList;configStorePath;kvConfigPath',
    'keys that nobody may change over the wire, split by semicolons',
  ),
  ...serverKeys(9876, 'port for brokers and clients'),
  ...tlsKeys,
} as const

export type NamesrvKey = keyof typeof namesrvKeys
/** A value for every key. */
export type NamesrvOptions = ValuesOf<typeof namesrvKeys>

export const isNamesrvKey = (name: string): name is NamesrvKey => Object.hasOwn(namesrvKeys, name)
