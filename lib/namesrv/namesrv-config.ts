import type { ConfigKey, Machine } from '../base/config-key.ts'
import { ApogeeError } from '../base/errors.ts'
import { formatPlainProperties, formatProperties } from '../base/properties-file.ts'
import { thisMachine } from '../base/this-machine.ts'
import { isNamesrvKey, type NamesrvKey, type NamesrvOptions, namesrvKeys } from './config-keys.ts'

/** Keys that are never changed over the wire, whatever `configBlackList` says. */
const ALWAYS_BLACK_LISTED = ['configBlackList', 'configStorePath', 'kvConfigPath', 'rocketmqHome']

const tableOf = (name: NamesrvKey): ConfigKey => namesrvKeys[name] as ConfigKey
const rows = (Object.keys(namesrvKeys) as NamesrvKey[]).map((name) => [name, tableOf(name)] as const)

/** A change of configuration that was refused as a whole. Not retryable. */
export class ConfigChangeError extends ApogeeError {}

/** A value that is not of its key's type or range. */
export interface InvalidValue {
  readonly key: string
  readonly value: string
}

/** The configuration of one name server: an immutable snapshot of typed options, replaced by changes at run time. */
export class NamesrvConfig {
  #options: NamesrvOptions
  /** Keys nobody knows, with their values; they stay in the file and in the answer to GET_NAMESRV_CONFIG. */
  readonly #kept: Map<string, string>
  readonly #blackList: ReadonlySet<string>

  constructor(options: NamesrvOptions, kept: ReadonlyMap<string, string> = new Map()) {
    this.#options = options
    this.#kept = new Map(kept)
    this.#blackList = new Set([...ALWAYS_BLACK_LISTED, ...options.configBlackList.split(';')])
  }

  /** All values as they are now. */
  get current(): NamesrvOptions {
    return this.#options
  }

  /** Port for brokers and clients; 0 takes any free one. */
  get listenPort(): number {
    return this.#options.listenPort
  }

  /** Plain `key=value` lines, as answered to GET_NAMESRV_CONFIG. Keys without a value are left out, hidden ones as well. */
  get text(): string {
    return formatPlainProperties(this.#table((key) => key.hidden !== true))
  }

  /** The same with escapes, as written to `configStorePath`. */
  get fileText(): string {
    return formatProperties(this.#table(() => true))
  }

  /** Whether one of the keys may not be changed over the wire. */
  isBlackListed(keys: Iterable<string>): boolean {
    for (const key of keys) if (this.#blackList.has(key)) return true
    return false
  }

  /**
   * Takes all of some properties or none; keys that are not in the configuration are ignored, as by Java. Only keys
   * marked live take effect before the next start.
   * @throws {ConfigChangeError} `CONFIG_KEY_FIXED`, `CONFIG_VALUE_INVALID`
   */
  update(properties: ReadonlyMap<string, string>): void {
    const changes: Partial<Record<NamesrvKey, unknown>> = {}
    for (const [name, value] of properties) {
      if (!isNamesrvKey(name)) continue
      if (this.#blackList.has(name) || tableOf(name).hidden === true) {
        throw new ConfigChangeError('CONFIG_KEY_FIXED', `${name} cannot be changed over the wire`)
      }
      const parsed = namesrvKeys[name].parse(value)
      if (parsed === undefined) throw new ConfigChangeError('CONFIG_VALUE_INVALID', `${name} cannot be ${value}`)
      changes[name] = parsed
    }
    this.#options = { ...this.#options, ...changes } as NamesrvOptions
    for (const [name, value] of properties) if (this.#kept.has(name)) this.#kept.set(name, value)
  }

  #table(isWanted: (key: ConfigKey) => boolean): Map<string, string> {
    const set = rows
      .filter(([name, key]) => this.#options[name] !== undefined && isWanted(key))
      .map(([name]) => [name, this.#options[name]] as const)
    return new Map([...set.map(([name, value]) => [name, String(value)] as const), ...this.#kept])
  }
}

/** What became of a configuration file. */
export interface ParsedNamesrvConfig {
  readonly config: NamesrvConfig
  /** Keys nobody knows; kept and echoed, without effect. */
  readonly unknown: readonly string[]
  /** Values that are not of their key's type or range; the default holds. */
  readonly invalid: readonly InvalidValue[]
}

/**
 * Reads the properties of a Java name server file. Every key is optional.
 * @param configFile where the properties were read from: changes at run time are written back there, as Java does
 * @param machine what defaults depend on; default: this one
 */
export const parseNamesrvConfig = (
  properties: ReadonlyMap<string, string>,
  configFile?: string,
  machine: Machine = thisMachine(),
): ParsedNamesrvConfig => {
  const values: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(namesrvKeys)) values[name] = key.fallback(machine)
  const kept = new Map<string, string>()
  const invalid: InvalidValue[] = []
  for (const [name, value] of properties) {
    if (!isNamesrvKey(name)) {
      kept.set(name, value)
      continue
    }
    const parsed = namesrvKeys[name].parse(value.trim())
    if (parsed === undefined) invalid.push({ key: name, value })
    else values[name] = parsed
  }
  if (configFile !== undefined) values.configStorePath = configFile
  const config = new NamesrvConfig(values as unknown as NamesrvOptions, kept)
  return { config, unknown: [...kept.keys()], invalid }
}

/** The `name=value` lines that the launcher prints for `-p`: every key of Java's, empty where it has no value. */
export const effectiveNamesrvConfig = (config: NamesrvConfig): string[] =>
  rows.filter(([, key]) => key.own !== true).map(([name]) => `${name}=${config.current[name] ?? ''}`)
