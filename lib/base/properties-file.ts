/** Keys and values of a Java properties file, in file order; the last of two equal keys wins. */
export type PropertiesTable = Map<string, string>

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }
const LEADING_BLANK = /^[ \t\f]+/
const CONTINUED = /(?:^|[^\\])(?:\\\\)*\\$/

/** Logical lines: comments and blank lines are gone, continued lines are joined without their leading blanks. */
const logicalLines = (text: string): string[] => {
  const lines: string[] = []
  // Pieces of a continued line, joined once: a peer may send a line continued a million times.
  let open: string[] | undefined
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(LEADING_BLANK, '')
    if (open === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    open ??= []
    if (CONTINUED.test(line)) {
      open.push(line.slice(0, -1))
    } else {
      lines.push(open.join('') + line)
      open = undefined
    }
  }
  const rest = open?.join('') ?? ''
  if (rest !== '') lines.push(rest)
  return lines
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]?))/g, (_, hex: string | undefined, single: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return ESCAPES[single ?? ''] ?? single ?? ''
  })

/** Where the key of a logical line ends: at the first blank, `=` or `:` that is not escaped. */
const keyEndOf = (line: string): number => {
  let at = 0
  while (at < line.length && !' \t\f=:'.includes(line[at]!)) at += line[at] === '\\' ? 2 : 1
  return Math.min(at, line.length)
}

/** Where the value begins: behind blanks and at most one `=` or `:`. */
const valueStartOf = (line: string, keyEnd: number): number => {
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(keyEnd))
  return keyEnd + (separator?.[0].length ?? 0)
}

/**
 * Reads properties text as `java.util.Properties.load` does: comments (`#`, `!`), `=`, `:` or a blank between key and
 * value, escapes, continued lines. A `\u` without four hex digits is taken as the letter u, where Java throws.
 */
export const parseProperties = (source: string): PropertiesTable => {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source
  const table: PropertiesTable = new Map()
  for (const line of logicalLines(text)) {
    const keyEnd = keyEndOf(line)
    table.set(unescaped(line.slice(0, keyEnd)), unescaped(line.slice(valueStartOf(line, keyEnd))))
  }
  return table
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Reads a properties file: UTF-8 where its bytes are that, else ISO-8859-1, in which Java reads and writes. */
export const parsePropertiesBytes = (bytes: Buffer): PropertiesTable => {
  try {
    return parseProperties(UTF8.decode(bytes))
  } catch {
    // Not an error: ISO-8859-1 bytes beyond ASCII are seldom UTF-8.
    return parseProperties(bytes.toString('latin1'))
  }
}

const NAMED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\f': '\\f' }

/** @param blanks which blanks need an escape: all of a key, the leading ones of a value */
const escaped = (text: string, blanks: RegExp): string =>
  text
    .replace(/[\\#!=:]/g, '\\$&')
    .replace(blanks, (run) => run.replaceAll(' ', '\\ '))
    .replace(/[\t\n\r\f]/g, (character) => NAMED[character]!)
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)

/**
 * Writes properties text that `java.util.Properties.load` reads back, one `key=value` per line in the table's order,
 * ASCII only. No date comment: equal tables give equal bytes.
 * @param comment lines put in front, each behind a `#`
 */
export const formatProperties = (table: ReadonlyMap<string, string>, comment?: string): string => {
  let text = ''
  for (const line of comment?.split(/\r\n|\r|\n/) ?? []) text += `#${line}\n`
  for (const [key, value] of table) text += `${escaped(key, / +/g)}=${escaped(value, /^ +/)}\n`
  return text
}

/**
 * Plain `key=value` lines without escapes, the form in which brokers and name servers answer GET_BROKER_CONFIG and
 * GET_NAMESRV_CONFIG.
 */
export const formatPlainProperties = (table: ReadonlyMap<string, string>): string => {
  let text = ''
  for (const [key, value] of table) text += `${key}=${value}\n`
  return text
}
