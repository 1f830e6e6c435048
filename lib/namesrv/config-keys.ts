import { homedir } from 'node:os'
import { join } from 'node:path'

/** A value of the configuration; undefined = not set. */
export type ConfigValue = string | number | boolean | undefined

/** One configuration key. */
export interface ConfigKey<T extends ConfigValue = ConfigValue> {
  readonly type: 'string' | 'boolean' | 'int'
  readonly meaning: string
  /** Accepted, kept and echoed for the sake of existing files; nothing here depends on it. */
  readonly unused: boolean
  /** Whether UPDATE_NAMESRV_CONFIG may change it: at once, from the next start on, or never. */
  readonly settable: 'live' | 'next-start' | 'never'
  readonly fallback: () => T
  /** Undefined when the text is not a value of this key. */
  parse(text: string): T | undefined
}

type Facts = Partial<Pick<ConfigKey, 'unused' | 'settable'>>

/** Texts stand in files of lines: a control character could smuggle in another key. */
const CONTROL = /\p{Cc}/u
const MAX_INT = 2 ** 31 - 1

const text = <T extends string | undefined>(fallback: () => T, meaning: string, facts: Facts = {}) =>
  ({
    type: 'string',
    unused: false,
    settable: 'next-start',
    meaning,
    fallback,
    parse: (value: string) => (CONTROL.test(value) ? undefined : value),
    ...facts,
  }) as ConfigKey<string | T>

const flag = (fallback: boolean, meaning: string, facts: Facts = {}): ConfigKey<boolean> => ({
  type: 'boolean',
  unused: false,
  settable: 'next-start',
  meaning,
  fallback: () => fallback,
  parse: (value) => value.toLowerCase() === 'true',
  ...facts,
})

const int = (fallback: number, meaning: string, facts: Facts & { min?: number; max?: number } = {}) => {
  const { min = 0, max = MAX_INT, ...rest } = facts
  const key: ConfigKey<number> = {
    type: 'int',
    unused: false,
    settable: 'next-start',
    meaning,
    fallback: () => fallback,
    parse: (value) => {
      const number = /^[+-]?\d{1,10}$/.test(value) ? Number(value) : Number.NaN
      return number >= min && number <= max ? number : undefined
    },
    ...rest,
  }
  return key
}

const UNUSED = { unused: true } as const
const FIXED = { settable: 'never' } as const

/** Every key of Java 4.9.8's NamesrvConfig and NettyServerConfig, in their order. */
export const namesrvKeys = {
  rocketmqHome: text(() => process.env.ROCKETMQ_HOME, 'home of a Java installation', { ...UNUSED, ...FIXED }),
  kvConfigPath: text(() => join(homedir(), 'namesrv', 'kvConfig.json'), 'file of the KV configuration', FIXED),
  configStorePath: text(
    () => join(homedir(), 'namesrv', 'namesrv.properties'),
    'file that changes at run time are written to',
    FIXED,
  ),
  productEnvName: text(() => 'center', 'environment that cluster tests ask', UNUSED),
  clusterTest: flag(false, 'cluster test mode', UNUSED),
  orderMessageEnable: flag(false, 'routes of ordered topics carry their configuration', { settable: 'live' }),
  configBlackList: text(
    () => 'configBlackList;configStorePath;kvConfigPath',
    'keys that nobody may change over the wire, split by semicolons',
    FIXED,
  ),
  listenPort: int(9876, 'port for brokers and clients', { max: 65_535 }),
  serverWorkerThreads: int(8, 'threads that decode', UNUSED),
  serverCallbackExecutorThreads: int(0, 'threads for callbacks', UNUSED),
  serverSelectorThreads: int(3, 'threads that read', UNUSED),
  serverOnewaySemaphoreValue: int(256, 'oneway requests in flight to peers', UNUSED),
  serverAsyncSemaphoreValue: int(64, 'requests in flight to peers', UNUSED),
  serverChannelMaxIdleTimeSeconds: int(120, 'silence in seconds after which a connection is closed', { min: 1 }),
  serverSocketSndBufSize: int(0, 'send buffer of a socket; 0 leaves it to the system', UNUSED),
  serverSocketRcvBufSize: int(0, 'receive buffer of a socket; 0 leaves it to the system', UNUSED),
  writeBufferHighWaterMark: int(0, 'unsent bytes at which a connection counts as full', UNUSED),
  writeBufferLowWaterMark: int(0, 'unsent bytes at which it counts as free again', UNUSED),
  serverSocketBacklog: int(1024, 'connections waiting to be accepted', { min: 1 }),
  serverPooledByteBufAllocatorEnable: flag(true, 'buffers are pooled', UNUSED),
  useEpollNativeSelector: flag(false, 'kind of selector', UNUSED),
} as const

export type NamesrvKey = keyof typeof namesrvKeys
/** A value for every key. */
export type NamesrvOptions = {
  readonly [K in NamesrvKey]: (typeof namesrvKeys)[K] extends ConfigKey<infer T> ? T : never
}

export const isNamesrvKey = (name: string): name is NamesrvKey => Object.hasOwn(namesrvKeys, name)
