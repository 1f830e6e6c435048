/** What defaults depend on: facts of the machine and its environment, injected so that tests name their own. */
export interface Machine {
  readonly hostName: string
  /** First non-loopback address, IPv4 preferred. */
  readonly localAddress: string
  readonly cpuCount: number
  readonly homeDirectory: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** What a number counts. */
export type ConfigUnit = 'ms' | 's' | 'hours' | 'bytes' | 'percent' | 'pages' | 'threads' | 'requests' | 'messages'

/** What a table row may add to name, type, default and meaning. */
export interface ConfigFacts {
  readonly unit?: ConfigUnit
  /** Java marks it @ImportantField: printed by `-m`. */
  readonly important?: true
  /** May change while the server runs. */
  readonly live?: true
  /** Accepted, kept and echoed for the sake of existing files; nothing here depends on it. */
  readonly unused?: true
  /** Not one of Java's: not printed by `-p` and `-m`, whose lines are Java's. */
  readonly own?: true
  /** Neither shown nor changed over the wire: secrets, and where they are. */
  readonly hidden?: true
  /** Smallest and largest number taken; anything else counts as unparsable. */
  readonly min?: number
  readonly max?: number
  /** Name under which Java prints it, where that differs from the name it is set by. */
  readonly printedAs?: string
}

export type ConfigValue = string | number | boolean | undefined

/** One configuration key. */
export interface ConfigKey<T extends ConfigValue = ConfigValue> extends ConfigFacts {
  readonly type: 'string' | 'boolean' | 'int' | 'long' | 'choice'
  readonly fallback: (machine: Machine) => T
  readonly meaning: string
  /** Undefined when the text is not a value of this key. */
  parse(text: string): T | undefined
}

export type ConfigTable = Readonly<Record<string, ConfigKey<never> | ConfigKey<string> | ConfigKey>>
/** The values of one table, by key. */
export type ValuesOf<T> = { readonly [K in keyof T]: T[K] extends ConfigKey<infer V> ? V : never }

type Fallback<T> = T | ((machine: Machine) => T)
const asFunction = <T>(fallback: Fallback<T>): ((machine: Machine) => T) =>
  typeof fallback === 'function' ? (fallback as (machine: Machine) => T) : () => fallback

/** Texts stand in files of lines: a control character could smuggle in another key. */
const CONTROL = /\p{Cc}/u
const parseText = (value: string): string | undefined => (CONTROL.test(value) ? undefined : value)

/** A text with a default. */
export const text = (fallback: Fallback<string>, meaning: string, facts: ConfigFacts = {}): ConfigKey<string> => ({
  ...facts,
  type: 'string',
  fallback: asFunction(fallback),
  meaning,
  parse: parseText,
})

/** A text that may be absent. */
export const maybeText = (
  meaning: string,
  facts: ConfigFacts = {},
  fallback: Fallback<string | undefined> = undefined,
): ConfigKey<string | undefined> => ({
  ...facts,
  type: 'string',
  fallback: asFunction(fallback),
  meaning,
  parse: parseText,
})

/** Java's Boolean.parseBoolean: "true" in any case, everything else is false. */
export const flag = (fallback: boolean, meaning: string, facts: ConfigFacts = {}): ConfigKey<boolean> => ({
  ...facts,
  type: 'boolean',
  fallback: () => fallback,
  meaning,
  parse: (value) => value.toLowerCase() === 'true',
})

const integer = (
  type: 'int' | 'long',
  limit: number,
  fallback: Fallback<number>,
  meaning: string,
  facts: ConfigFacts,
): ConfigKey<number> => {
  const { min = -limit, max = limit } = facts
  return {
    ...facts,
    type,
    fallback: asFunction(fallback),
    meaning,
    parse(value) {
      if (!/^[+-]?\d{1,19}$/.test(value)) return undefined
      const number = Number(value)
      return number >= min && number <= max ? number : undefined
    },
  }
}

/** A 32-bit integer. */
export const int = (fallback: Fallback<number>, meaning: string, facts: ConfigFacts = {}): ConfigKey<number> =>
  integer('int', 2 ** 31 - 1, fallback, meaning, facts)

/** A 64-bit integer, as far as a double holds it exactly. */
export const long = (fallback: Fallback<number>, meaning: string, facts: ConfigFacts = {}): ConfigKey<number> =>
  integer('long', Number.MAX_SAFE_INTEGER, fallback, meaning, facts)

/** One of some words, in upper case. */
export const choice = <const W extends string>(
  words: readonly W[],
  fallback: NoInfer<W>,
  meaning: string,
  facts: ConfigFacts = {},
): ConfigKey<W> => ({
  ...facts,
  type: 'choice',
  fallback: () => fallback,
  meaning,
  parse: (value) => words.find((word) => word === value),
})
