import type { ConfigKey, ConfigTable, ConfigValue, Machine, ValuesOf } from '../../base/config-key.ts'
import { formatPlainProperties, formatProperties } from '../../base/properties-file.ts'
import { type TlsValues, tlsKeys } from '../../net/tls/tls-keys.ts'
import { brokerKeys } from './broker-keys.ts'
import { netClientKeys, netServerKeys } from './net-keys.ts'
import { storeKeys } from './store-keys.ts'

/** All tables in the order Java prints them. A key name may stand in two of them; it then sets both. */
export const configTables = {
  broker: brokerKeys,
  netServer: netServerKeys,
  netClient: netClientKeys,
  store: storeKeys,
  tls: tlsKeys,
} as const satisfies Readonly<Record<string, ConfigTable>>

export type ConfigTableName = keyof typeof configTables
const tableNames = Object.keys(configTables) as ConfigTableName[]

/** The values of every key. Immutable. */
export interface ConfigValues {
  readonly broker: ValuesOf<typeof brokerKeys>
  readonly netServer: ValuesOf<typeof netServerKeys>
  readonly netClient: ValuesOf<typeof netClientKeys>
  readonly store: ValuesOf<typeof storeKeys>
  readonly tls: TlsValues
}

/** One row of one table. */
export interface ConfigRow {
  readonly table: ConfigTableName
  readonly name: string
  readonly key: ConfigKey
}

/** Every row of every table, in the order Java prints them. */
export const configRows: readonly ConfigRow[] = tableNames.flatMap((table) =>
  Object.entries(configTables[table]).map(([name, key]) => ({ table, name, key: key as ConfigKey })),
)

const rowsByName = new Map<string, ConfigRow[]>()
for (const row of configRows) rowsByName.set(row.name, [...(rowsByName.get(row.name) ?? []), row])

/** The rows a key of a configuration file sets; none for a key nobody knows. */
export const rowsOf = (name: string): readonly ConfigRow[] => rowsByName.get(name) ?? []
/** Whether a key of a configuration file has a meaning. */
export const isKnownKey = (name: string): boolean => rowsByName.has(name)

/** A value that could not be taken. */
export interface InvalidValue {
  readonly key: string
  readonly value: string
}

type Mutable = Record<ConfigTableName, Record<string, ConfigValue>>

const freeze = (values: Mutable): ConfigValues => {
  for (const table of tableNames) Object.freeze(values[table])
  return Object.freeze(values) as unknown as ConfigValues
}

/** What every key is when nothing is set. */
export const defaultValues = (machine: Machine): ConfigValues => {
  const values: Mutable = { broker: {}, netServer: {}, netClient: {}, store: {}, tls: {} }
  for (const { table, name, key } of configRows) values[table][name] = key.fallback(machine)
  return freeze(values)
}

/** `values` with some properties laid over them. A value that cannot be taken leaves the key as it was. */
export const withProperties = (
  values: ConfigValues,
  properties: ReadonlyMap<string, string>,
): { values: ConfigValues; unknown: string[]; invalid: InvalidValue[] } => {
  const next: Mutable = {
    broker: { ...values.broker },
    netServer: { ...values.netServer },
    netClient: { ...values.netClient },
    store: { ...values.store },
    tls: { ...values.tls },
  }
  const unknown: string[] = []
  const invalid: InvalidValue[] = []
  for (const [name, textValue] of properties) {
    if (!isKnownKey(name)) unknown.push(name)
    for (const { table, key } of rowsOf(name)) {
      const value = key.parse(textValue)
      if (value === undefined) invalid.push({ key: name, value: textValue })
      else next[table][name] = value
    }
  }
  return { values: freeze(next), unknown, invalid }
}

/** Lines `name=value` in Java's order, as its launcher prints for `-p`; absent values are empty. */
export const printedLines = (values: ConfigValues, which: 'all' | 'important'): string[] =>
  configRows
    .filter(({ key }) => key.own !== true && (which === 'all' || key.important === true))
    .map(({ table, name, key }) => {
      const value = (values[table] as Readonly<Record<string, ConfigValue>>)[name]
      return `${key.printedAs ?? name}=${value ?? ''}`
    })

/** Every key of `rows` that has a value, as text, with the keys of the file that nobody knows. */
const allConfig = (
  rows: readonly ConfigRow[],
  values: ConfigValues,
  kept: ReadonlyMap<string, string>,
  nameOf: (row: ConfigRow) => string,
): Map<string, string> => {
  const merged = new Map(kept)
  for (const row of rows) {
    const value = (values[row.table] as Readonly<Record<string, ConfigValue>>)[row.name]
    if (value !== undefined) merged.set(nameOf(row), String(value))
  }
  return merged
}

const shownRows = configRows.filter(({ key }) => key.hidden !== true)

/** The text answered to code 26: plain `name=value` lines, absent values left out, hidden ones as well. */
export const formatAllConfig = (values: ConfigValues, kept: ReadonlyMap<string, string> = new Map()): string =>
  formatPlainProperties(allConfig(shownRows, values, kept, ({ name, key }) => key.printedAs ?? name))

/** The text written back to the configuration file: the same by the names that are read, escaped where needed. */
export const configFileText = (values: ConfigValues, kept: ReadonlyMap<string, string> = new Map()): string =>
  formatProperties(allConfig(configRows, values, kept, ({ name }) => name))
