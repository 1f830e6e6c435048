import { FilterError } from './filter-error.ts'

/** Reserved words, in any case. */
export const KEYWORDS = [
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'IN',
  'TRUE',
  'FALSE',
  'NULL',
  'IS',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
] as const

/** What a token is: a reserved word, a mark, or a kind of literal or name. */
export type TokenKind =
  | (typeof KEYWORDS)[number]
  | '='
  | '<>'
  | '>'
  | '>='
  | '<'
  | '<='
  | '('
  | ')'
  | ','
  | '+'
  | '-'
  | 'integer'
  | 'float'
  | 'string'
  | 'name'
  | 'end'

/** One token of an expression. */
export interface Token {
  readonly kind: TokenKind
  /** As written; of a string what it stands for. */
  readonly text: string
  /** Index of its first character. */
  readonly at: number
}

const keywords = new Map<string, TokenKind>(KEYWORDS.map((word) => [word, word]))

const BLANK = /(?:[ \t\n\r\f]+|--[^\n\r]*(?:\r\n|\n|\r)|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)+/y
/**
 * A line comment needs the end of its line: without one the two characters are minus signs, as in Java. Looking for that
 * end from each of many minus signs would take a time that grows with their square.
 */
const BLANK_ON_LAST_LINE = /(?:[ \t\n\r\f]+|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)+/y
const SPACE = 32
const SLASH = 47
const NAME = /[A-Za-z_$][A-Za-z0-9_$]*/y
const FLOAT = /\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y
const INTEGER = /0|[1-9]\d*[lL]?/y
const STRING = /'(?:''|[^'])*'/y
const MARK = /<>|<=|>=|[=<>(),+-]/y

/**
 * Takes tokens off the front of an expression, one at a time: what stands behind the last token that is asked for is
 * never looked at.
 */
export class SqlLexer {
  readonly #text: string
  readonly #lastLineEnd: number
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#lastLineEnd = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'))
  }

  /** @throws {FilterError} `FILTER_SYNTAX` where no token begins */
  next(): Token {
    this.#skipBlank()
    const at = this.#at
    if (at >= this.#text.length) return { kind: 'end', text: '', at }
    // First, for there can be as many as the text has characters.
    const mark = this.#match(MARK)
    if (mark !== undefined) return { kind: mark as TokenKind, text: mark, at }
    const name = this.#match(NAME)
    if (name !== undefined) return { kind: keywords.get(name.toUpperCase()) ?? 'name', text: name, at }
    const float = this.#match(FLOAT)
    if (float !== undefined) return { kind: 'float', text: float, at }
    const integer = this.#match(INTEGER)
    if (integer !== undefined) return { kind: 'integer', text: integer, at }
    const quoted = this.#match(STRING)
    if (quoted !== undefined) return { kind: 'string', text: quoted.slice(1, -1).replaceAll("''", "'"), at }
    const character = String.fromCodePoint(this.#text.codePointAt(at)!)
    const what = character === "'" ? 'a string that does not end' : `unexpected ${JSON.stringify(character)}`
    throw new FilterError('FILTER_SYNTAX', `${what} at character ${at + 1}`)
  }

  #skipBlank(): void {
    const first = this.#text.charCodeAt(this.#at)
    if (first <= SPACE || first === SLASH) this.#match(BLANK_ON_LAST_LINE)
    if (this.#at <= this.#lastLineEnd) this.#match(BLANK)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }
}
