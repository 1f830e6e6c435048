import type { Machine } from '../../base/config-key.ts'
import { ApogeeError } from '../../base/errors.ts'
import { thisMachine } from '../../base/this-machine.ts'
import { usesTlsAsClient } from '../../net/tls/tls-settings.ts'
import { type BrokerOptions, brokerOptions } from './broker-options.ts'
import {
  type ConfigValues,
  configFileText,
  defaultValues,
  formatAllConfig,
  type InvalidValue,
  printedLines,
  rowsOf,
  withProperties,
} from './config-values.ts'

/** Keys that Java never lets anyone change over the wire, besides those of `configBlackList`. */
const ALWAYS_BLACK_LISTED = ['brokerConfigPath', 'rocketmqHome', 'configBlackList']

/** A change of configuration that was refused as a whole. Not retryable. */
export class ConfigChangeError extends ApogeeError {}

/**
 * The configuration of one broker: an immutable snapshot of typed options, which a change at run time replaces.
 * Read `current` at each use instead of keeping parts of it.
 */
export class BrokerConfig {
  #values: ConfigValues
  #current: BrokerOptions
  /** Keys nobody knows, with their values; they stay in the file and in the answer to code 26. */
  readonly #kept: Map<string, string>
  readonly #listeners: ((current: BrokerOptions) => void)[] = []

  /** @throws {ApogeeError} `CONFIG_INVALID` */
  constructor(values: ConfigValues, kept: ReadonlyMap<string, string> = new Map()) {
    this.#values = withHaPort(values)
    this.#current = brokerOptions(this.#values)
    this.#kept = new Map(kept)
  }

  get current(): BrokerOptions {
    return this.#current
  }

  /** Every key's value, as configured. */
  get values(): ConfigValues {
    return this.#values
  }

  /** `name=value` lines of all keys, as answered to code 26. */
  get text(): string {
    return formatAllConfig(this.#values, this.#kept)
  }

  /** The same as a properties file. */
  get fileText(): string {
    return configFileText(this.#values, this.#kept)
  }

  /** Called after each change. */
  onChange(listener: (current: BrokerOptions) => void): void {
    this.#listeners.push(listener)
  }

  /** Whether one of the keys may not be changed over the wire at all. */
  isBlackListed(keys: Iterable<string>): boolean {
    const blackList = new Set([...ALWAYS_BLACK_LISTED, ...this.#values.broker.configBlackList.split(';')])
    for (const key of keys) if (blackList.has(key)) return true
    return false
  }

  /**
   * Takes all of some properties or none. Only keys marked live or unused in the tables can change at run time.
   * @throws {ConfigChangeError} `CONFIG_KEY_UNKNOWN`, `CONFIG_KEY_FIXED` (needs a restart), `CONFIG_VALUE_INVALID`
   */
  update(properties: ReadonlyMap<string, string>): void {
    for (const name of properties.keys()) {
      const rows = rowsOf(name)
      if (rows.length === 0) throw new ConfigChangeError('CONFIG_KEY_UNKNOWN', `there is no configuration key ${name}`)
      if (!rows.every(({ key }) => key.live === true || key.unused === true)) {
        throw new ConfigChangeError('CONFIG_KEY_FIXED', `${name} cannot be changed while the broker runs`)
      }
    }
    const { values, invalid } = withProperties(this.#values, properties)
    const wrong = invalid[0]
    if (wrong !== undefined) {
      throw new ConfigChangeError('CONFIG_VALUE_INVALID', `${wrong.key} cannot be ${wrong.value}`)
    }
    this.#current = brokerOptions(values)
    this.#values = values
    for (const listener of this.#listeners) listener(this.#current)
  }
}

/** Java overwrites the replication port with the one above the listen port; so do the printed values. */
const withHaPort = (values: ConfigValues): ConfigValues =>
  withProperties(values, new Map([['haListenPort', String(values.netServer.listenPort + 1)]])).values

/** `useTLS` where it is not set: as `tls.enable` and `tls.server.mode` say, as in Java. */
const withTlsOfNameServers = (values: ConfigValues): ConfigValues =>
  withProperties(values, new Map([['useTLS', String(usesTlsAsClient(values.tls))]])).values

/** What became of a configuration file. */
export interface ParsedBrokerConfig {
  readonly config: BrokerConfig
  /** Keys nobody knows; kept and echoed, without effect. */
  readonly unknown: readonly string[]
  /** Values that are not of their key's type or range; the default holds. */
  readonly invalid: readonly InvalidValue[]
}

/**
 * Reads the properties of a Java broker file. Later sources (command line) are laid over earlier ones by the caller.
 * @throws {ApogeeError} `CONFIG_INVALID` when values contradict each other or ask for something that is not there
 * @throws {NetError} `NET_TLS_CONFIG_INVALID`
 */
export const parseBrokerConfig = (
  properties: ReadonlyMap<string, string>,
  machine: Machine = thisMachine(),
): ParsedBrokerConfig => {
  const { values: read, unknown, invalid } = withProperties(defaultValues(machine), properties)
  const values = properties.has('useTLS') ? read : withTlsOfNameServers(read)
  const kept = new Map([...properties].filter(([name]) => rowsOf(name).length === 0))
  return { config: new BrokerConfig(values, kept), unknown, invalid }
}

/** The lines that the launcher prints for `-p` (all keys) and `-m` (the important ones). */
export const effectiveBrokerConfig = (config: BrokerConfig, which: 'all' | 'important'): string[] =>
  printedLines(config.values, which)
