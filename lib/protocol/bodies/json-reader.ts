import { type JavaJson, type JavaJsonObject, parseJavaJson } from '../../base/java-json.ts'
import { ProtocolError } from '../protocol-error.ts'

/** Typed access to the members of a JSON object, as lenient as Java: text may hold numbers and booleans. */
export class JsonReader {
  readonly #object: JavaJsonObject
  readonly #what: string

  /** @param what name of the body, for error texts */
  constructor(value: JavaJson, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw illegal(what, 'it is no object')
    this.#object = value
    this.#what = what
  }

  /** Reads a body. @throws {ProtocolError} `BODY_ILLEGAL` */
  static of(body: string | Buffer, what: string): JsonReader {
    return new JsonReader(parseBody(body, what), what)
  }

  /** All members as they are. */
  get members(): Readonly<JavaJsonObject> {
    return this.#object
  }

  #member(name: string): JavaJson | undefined {
    return this.#object[name] ?? undefined
  }

  text(name: string): string
  text<F>(name: string, fallback: F): string | F
  text<F>(name: string, ...fallback: [F?]): string | F | undefined {
    const value = this.#member(name)
    if (value === undefined && fallback.length > 0) return fallback[0]
    if (typeof value === 'string') return value
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    throw illegal(this.#what, `${name} is no text`)
  }

  number(name: string): number
  number<F>(name: string, fallback: F): number | F
  number<F>(name: string, ...fallback: [F?]): number | F | undefined {
    const value = this.#member(name)
    if (value === undefined && fallback.length > 0) return fallback[0]
    return numberOf(value, this.#what, name)
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#member(name)
    if (value === undefined) return fallback
    if (typeof value === 'boolean') return value
    if (typeof value === 'string') return value.toLowerCase() === 'true'
    if (typeof value === 'number') return value !== 0
    throw illegal(this.#what, `${name} is no boolean`)
  }

  /** Elements of an array; none when it is absent. */
  list<T>(name: string, element: (value: JavaJson, what: string) => T): T[] {
    const value = this.#member(name)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw illegal(this.#what, `${name} is no array`)
    return value.map((item) => element(item, `${this.#what}.${name}`))
  }

  texts(name: string): string[] {
    return this.list(name, textOf)
  }

  /** Members of an object by their names; none when it is absent. */
  table<T>(name: string, entry: (value: JavaJson, what: string) => T): Map<string, T> {
    const value = this.#member(name)
    return value === undefined ? new Map() : tableOf(value, `${this.#what}.${name}`, entry)
  }

  /** A member that is an object itself; undefined when it is absent. */
  object(name: string): JsonReader | undefined {
    const value = this.#member(name)
    return value === undefined ? undefined : new JsonReader(value, `${this.#what}.${name}`)
  }

  /** Members whose name is not in `known`, so that what another version wrote is not lost. */
  others(known: ReadonlySet<string>): JavaJsonObject | undefined {
    const names = Object.keys(this.#object).filter((name) => !known.has(name))
    if (names.length === 0) return undefined
    const others: JavaJsonObject = Object.create(null)
    for (const name of names) others[name] = this.#object[name]!
    return others
  }
}

const illegal = (what: string, why: string, cause?: unknown): ProtocolError =>
  new ProtocolError('BODY_ILLEGAL', `${what} is illegal: ${why}`, cause === undefined ? {} : { cause })

/** Parses a body. @throws {ProtocolError} `BODY_ILLEGAL` */
export const parseBody = (body: string | Buffer, what: string): JavaJson => {
  try {
    return parseJavaJson(body)
  } catch (cause) {
    throw illegal(what, 'it is no JSON', cause)
  }
}

export const textOf = (value: JavaJson, what: string): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw illegal(what, 'a value is no text')
}

export const numberOf = (value: JavaJson | undefined, what: string, name = 'a value'): number => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw illegal(what, `${name} is no number`)
  return number
}

export const tableOf = <T>(
  value: JavaJson,
  what: string,
  entry: (value: JavaJson, what: string) => T,
): Map<string, T> =>
  new Map(Object.entries(new JsonReader(value, what).members).map(([key, item]) => [key, entry(item, what)]))

/** A table whose keys are numbers, quoted or bare. */
export const numberKeyed = <T>(table: ReadonlyMap<string, T>, what: string): Map<number, T> =>
  new Map([...table].map(([key, item]) => [numberOf(key, what, 'a key'), item]))
