import { ApogeeError } from './errors.ts'
import { Reference, resolveReferences } from './java-json-references.ts'
import type { JavaJson, JavaJsonObject } from './java-json-value.ts'

export type JavaJsonErrorCode = 'JSON_SYNTAX' | 'JSON_TOO_DEEP' | 'JSON_TOO_LARGE'

/** Text that is no JSON in fastjson's sense, or beyond the limits. Not retryable. */
export class JavaJsonError extends ApogeeError {
  declare readonly code: JavaJsonErrorCode

  constructor(code: JavaJsonErrorCode, message: string) {
    super(code, message)
  }
}

/** Bounds on what is read. */
export interface JavaJsonLimits {
  /** Nested objects and arrays. Default 64. */
  readonly maxDepth?: number
  /** Values the text may stand for once references are followed. Default 4,000,000. */
  readonly maxValues?: number
}

const DEFAULT_MAX_DEPTH = 64
const DEFAULT_MAX_VALUES = 4_000_000

const NUMBER = /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[LlSsBbFfDd]?/y
const WORD = /[A-Za-z_$][\w$]*/y
const BLANK = /(?:[ \t\r\n\f\b]|\/\*[\s\S]*?\*\/|\/\/[^\n]*)*/y
const PLAIN_TEXT: Readonly<Record<string, RegExp>> = { '"': /[^"\\]*/y, "'": /[^'\\]*/y }
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', 0: '\0' }

/** A part of a text keeps all of the text in memory: a name from a body of megabytes would do so for as long as it is known. */
const ownCopy = (text: string): string => ` ${text}`.slice(1)

/** Recursive descent; the depth limit bounds the recursion. */
class Parser {
  readonly #text: string
  readonly #maxDepth: number
  #valuesLeft: number
  #at = 0
  #references = 0
  #isInKey = false

  constructor(text: string, maxDepth: number, maxValues: number) {
    this.#text = text
    this.#maxDepth = maxDepth
    this.#valuesLeft = maxValues
  }

  parse(): { value: JavaJson; references: number } {
    const value = this.#value(0)
    this.#skipBlank()
    if (this.#at < this.#text.length) throw this.#syntax('text after the value')
    return { value, references: this.#references }
  }

  #syntax(why: string): JavaJsonError {
    return new JavaJsonError('JSON_SYNTAX', `no JSON at character ${this.#at}: ${why}`)
  }

  #skipBlank(): void {
    const code = this.#text.charCodeAt(this.#at)
    if (code > 0x20 && code !== 0x2f) return
    BLANK.lastIndex = this.#at
    BLANK.test(this.#text)
    this.#at = BLANK.lastIndex
  }

  #peek(): string | undefined {
    this.#skipBlank()
    return this.#text[this.#at]
  }

  #value(depth: number): JavaJson {
    if (this.#valuesLeft-- <= 0) throw new JavaJsonError('JSON_TOO_LARGE', 'the JSON text holds too many values')
    const first = this.#peek()
    if (first === '"' || first === "'") return this.#string(first)
    if (first === '{') return this.#object(depth + 1)
    if (first === '[') return this.#array(depth + 1)
    const number = this.#number()
    return number === undefined ? this.#word() : Number(number)
  }

  #word(): JavaJson {
    const word = this.#match(WORD)
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null' || word === 'undefined' || word === 'NaN') return null
    throw this.#syntax(word === undefined ? 'a value is missing' : `unknown word ${word.slice(0, 32)}`)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found[0]
  }

  /** Text of a number without Java's type suffix. */
  #number(): string | undefined {
    return this.#match(NUMBER)?.replace(/[LlSsBbFfDd]$/, '')
  }

  #string(quote: string): string {
    this.#at += 1
    let text = ''
    for (;;) {
      text += this.#match(PLAIN_TEXT[quote]!) ?? ''
      const next = this.#text[this.#at++]
      if (next === undefined) throw this.#syntax('a text does not end')
      if (next === quote) return ownCopy(text)
      text += next === '\\' ? this.#escape() : next
    }
  }

  #escape(): string {
    const kind = this.#text[this.#at++]
    if (kind === undefined) throw this.#syntax('a text does not end')
    const digits = kind === 'u' ? 4 : kind === 'x' ? 2 : 0
    if (digits === 0) return ESCAPES[kind] ?? kind
    const hex = this.#text.slice(this.#at, this.#at + digits)
    if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) throw this.#syntax('an escape has too few hex digits')
    this.#at += digits
    return String.fromCharCode(Number.parseInt(hex, 16))
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth)
      throw new JavaJsonError('JSON_TOO_DEEP', `the JSON text is nested over ${this.#maxDepth} deep`)
    this.#at += 1
  }

  #array(depth: number): JavaJson[] {
    this.#enter(depth)
    const values: JavaJson[] = []
    for (;;) {
      const next = this.#peek()
      if (next === undefined) throw this.#syntax('an array does not end')
      if (next === ']') {
        this.#at += 1
        return values
      }
      if (next === ',') this.#at += 1
      else values.push(this.#value(depth))
    }
  }

  #object(depth: number): JavaJson {
    this.#enter(depth)
    const object: JavaJsonObject = Object.create(null)
    for (;;) {
      const next = this.#peek()
      if (next === undefined) throw this.#syntax('an object does not end')
      if (next === '}') {
        this.#at += 1
        return this.#asReference(object)
      }
      if (next === ',') {
        this.#at += 1
        continue
      }
      const key = this.#key(next, depth)
      if (this.#peek() !== ':') throw this.#syntax('a colon is missing')
      this.#at += 1
      object[key] = this.#value(depth)
    }
  }

  /** Java writes keys of maps as their own kind: text, bare numbers, whole objects. */
  #key(first: string, depth: number): string {
    if (first === '"' || first === "'") return this.#string(first)
    if (first === '{' || first === '[') return canonicalText(this.#keyValue(depth))
    const key = this.#number() ?? this.#match(WORD)
    if (key === undefined) throw this.#syntax('a key is missing')
    return key
  }

  /** A key within a key is refused: each level would double the escapes of its text. Java's keys are flat. */
  #keyValue(depth: number): JavaJson {
    if (this.#isInKey) throw new JavaJsonError('JSON_TOO_DEEP', 'the JSON text has an object as key within a key')
    this.#isInKey = true
    const value = this.#value(depth)
    this.#isInKey = false
    return value
  }

  #asReference(object: JavaJsonObject): JavaJson {
    const path = object.$ref
    if (typeof path !== 'string' || Object.keys(object).length > 1) return object
    this.#references += 1
    return new Reference(path) as unknown as JavaJson
  }
}

/** JSON text with sorted keys and no blanks: one text for one value. */
const canonicalText = (value: JavaJson): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof Reference) throw new JavaJsonError('JSON_SYNTAX', 'a key is a reference')
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  const parts = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key]!)}`)
  return `{${parts.join(',')}}`
}

/**
 * Reads JSON as fastjson 1.2 writes and takes it: keys that are bare numbers become their text, keys that are objects
 * become their canonical JSON text (keys sorted, no blanks), `{"$ref":"$.path"}` becomes the value it points at,
 * trailing commas, single quotes and comments are allowed. Integers beyond 2^53 are rounded.
 * @throws {JavaJsonError} `JSON_SYNTAX`, `JSON_TOO_DEEP`, `JSON_TOO_LARGE`
 */
export const parseJavaJson = (text: string | Buffer, limits: JavaJsonLimits = {}): JavaJson => {
  const { maxDepth = DEFAULT_MAX_DEPTH, maxValues = DEFAULT_MAX_VALUES } = limits
  const source = typeof text === 'string' ? text : text.toString('utf8')
  const { value, references } = new Parser(
    source.startsWith('\ufeff') ? source.slice(1) : source,
    maxDepth,
    maxValues,
  ).parse()
  if (references === 0) return value
  const failure = resolveReferences(value, maxDepth, maxValues)
  if (failure === 'too large')
    throw new JavaJsonError('JSON_TOO_LARGE', 'the references of the JSON text stand for too many values')
  if (failure === 'too deep') throw new JavaJsonError('JSON_TOO_DEEP', 'the references of the JSON text nest too deep')
  if (failure !== undefined) throw new JavaJsonError('JSON_SYNTAX', failure)
  return value
}
