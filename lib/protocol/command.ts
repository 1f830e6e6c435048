import { ApogeeError } from '../base/errors.ts'

/** Ext fields of a remoting header: text to text, as they travel. */
export type ExtFields = ReadonlyMap<string, string>

/** How one header field travels as text. */
export interface Field<T> {
  /** Name of the wire type, for the protocol reference page and the fuzz grammar. */
  readonly type: 'string' | 'bool' | 'int32' | 'int64' | 'resourceName'
  readonly required: boolean
  /** Value used when the field is absent; undefined leaves it out. */
  readonly fallback: T | undefined
  /** Undefined when the text is not a value of this type. */
  parse(text: string): T | undefined
  format(value: T): string
}

const integer = (type: 'int32' | 'int64', min: number, max: number): Field<number> => ({
  type,
  required: true,
  fallback: undefined,
  parse(text) {
    if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
    const value = Number(text)
    return value >= min && value <= max ? value : undefined
  },
  format: String,
})

/** 32-bit signed integer in decimal. */
export const int32: Field<number> = integer('int32', -(2 ** 31), 2 ** 31 - 1)
/**
 * 64-bit signed integer in decimal, kept as a `number`. Values beyond 2^53 are rounded: clients send Long.MAX_VALUE
 * as "until ever", which is all the meaning such a value has. Offsets are checked safe where they are used.
 */
export const int64: Field<number> = integer('int64', -(2 ** 63), 2 ** 63)
/** Java's Boolean.parseBoolean: "true" in any case is true, everything else false. */
export const bool: Field<boolean> = {
  type: 'bool',
  required: true,
  fallback: undefined,
  parse: (text) => text.toLowerCase() === 'true',
  format: String,
}
/** Any text. */
export const string: Field<string> = {
  type: 'string',
  required: true,
  fallback: undefined,
  parse: (text) => text,
  format: (value) => value,
}
/** A topic or group name. Its alphabet is checked where it is used (`names.ts`), so that the answer can say why. */
export const resourceName: Field<string> = { ...string, type: 'resourceName' }

/** A field that may be absent. */
export function optional<T>(field: Field<T>): OptionalField<T>
/** A field that may be absent and then has `fallback`. */
export function optional<T>(field: Field<T>, fallback: T): Field<T>
export function optional<T>(field: Field<T>, fallback?: T): Field<T> {
  return { ...field, required: false, fallback }
}

/** A field whose absence shows as `undefined`. */
export interface OptionalField<T> extends Field<T> {
  readonly required: false
}

export type Fields = Readonly<Record<string, Field<never> | Field<string> | Field<number> | Field<boolean>>>

type ValueOf<F> = F extends OptionalField<infer T> ? T | undefined : F extends Field<infer T> ? T : never
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalField<infer _> ? K : never }[keyof F]

/** The typed header that a field table describes. */
export type HeaderOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: ValueOf<F[K]>
} & { readonly [K in OptionalKeys<F>]?: ValueOf<F[K]> }

/** One remoting command: its code, Java's name, and the fields of both headers. */
export interface Command<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly code: number
  readonly name: string
  readonly request: Q
  readonly response: R
  /** Names that the fields have on the wire where these differ (the one-letter names of SEND_MESSAGE_V2). */
  readonly wireNames?: Readonly<Record<string, string>>
}

/** The typed request header of a command. */
export type RequestOf<C> = C extends Command<infer Q, infer _> ? HeaderOf<Q> : never
/** The typed response header of a command. */
export type ResponseOf<C> = C extends Command<infer _, infer R> ? HeaderOf<R> : never

/** Declares a command. `request` and `response` default to no fields. */
export const command = <
  const Q extends Fields = Record<never, never>,
  const R extends Fields = Record<never, never>,
>(definition: {
  code: number
  name: string
  request?: Q
  response?: R
  wireNames?: Partial<Record<keyof Q & string, string>>
}): Command<Q, R> => ({
  code: definition.code,
  name: definition.name,
  request: definition.request ?? ({} as Q),
  response: definition.response ?? ({} as R),
  ...(definition.wireNames === undefined ? {} : { wireNames: definition.wireNames as Record<string, string> }),
})

/** A header that is not what the command's table says. Not retryable. */
export class HeaderError extends ApogeeError {}

/**
 * Reads a typed header out of ext fields.
 * @throws {HeaderError} `HEADER_FIELD_MISSING` or `HEADER_FIELD_INVALID`, naming the field.
 */
export function decodeHeader<F extends Fields>(
  fields: F,
  ext: ExtFields,
  wireNames?: Readonly<Record<string, string>>,
): HeaderOf<F> {
  const header: Record<string, unknown> = {}
  for (const name of Object.keys(fields)) {
    const field = fields[name] as Field<unknown>
    const wireName = wireNames?.[name] ?? name
    const text = ext.get(wireName)
    if (text === undefined) {
      if (field.required) throw new HeaderError('HEADER_FIELD_MISSING', `the header has no field ${wireName}`)
      if (field.fallback !== undefined) header[name] = field.fallback
      continue
    }
    const value = field.parse(text)
    if (value === undefined) {
      throw new HeaderError(
        'HEADER_FIELD_INVALID',
        `header field ${wireName} is no ${field.type}: ${text.slice(0, 64)}`,
      )
    }
    header[name] = value
  }
  return header as HeaderOf<F>
}

/** Writes a typed header as ext fields. Undefined values are left out. */
export function encodeHeader<F extends Fields>(
  fields: F,
  header: HeaderOf<F>,
  wireNames?: Readonly<Record<string, string>>,
): Map<string, string> {
  const ext = new Map<string, string>()
  for (const name of Object.keys(fields)) {
    const value = (header as Record<string, unknown>)[name]
    if (value === undefined) continue
    const field = fields[name] as Field<unknown>
    ext.set(wireNames?.[name] ?? name, field.format(value))
  }
  return ext
}
