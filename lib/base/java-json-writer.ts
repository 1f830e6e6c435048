/** How `stringifyJava` writes. */
export interface StringifyJavaOptions {
  /** Keys of Maps that are numbers: bare as fastjson writes them (default), or quoted as JSON wants them. */
  readonly numericKeys?: 'bare' | 'quoted'
  /** One line per entry, indented with tabs, as fastjson's PrettyFormat. Default false. */
  readonly pretty?: boolean
  /** Escape everything beyond ASCII, and `/`, as fastjson's BrowserCompatible. Default false. */
  readonly ascii?: boolean
  /** Write the keys of Maps sorted. Keys of plain objects always are. Default false. */
  readonly sortMaps?: boolean
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

class Writer {
  readonly #options: StringifyJavaOptions

  constructor(options: StringifyJavaOptions) {
    this.#options = options
  }

  write(value: unknown, indent: string): string {
    if (typeof value === 'string') return this.#text(value)
    if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
    if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return 'null'
    // fastjson writes an int[] on one line, as pretty as the rest may be.
    if (value instanceof Int32Array) return `[${value.join(',')}]`
    if (Array.isArray(value) || value instanceof Set) return this.#list([...value], indent)
    return value instanceof Map ? this.#map(value, indent) : this.#object(value, indent)
  }

  #text(text: string): string {
    const quoted = JSON.stringify(text)
    if (this.#options.ascii !== true) return quoted
    return quoted.replace(/\//g, '\\/').replace(/[\u007f-\uffff]/g, escapeUnit)
  }

  #list(values: readonly unknown[], indent: string): string {
    const inner = `${indent}\t`
    const items = values.map((value) => this.write(value, inner))
    return this.#enclosed('[', ']', items, indent, true)
  }

  #object(object: object, indent: string): string {
    const inner = `${indent}\t`
    const items = Object.entries(object)
      .filter(([, value]) => value !== undefined && value !== null)
      .sort(([a], [b]) => compareText(a, b))
      .map(([key, value]) => `${this.#text(key)}:${this.write(value, inner)}`)
    return this.#enclosed('{', '}', items, indent, true)
  }

  #map(map: ReadonlyMap<unknown, unknown>, indent: string): string {
    const inner = `${indent}\t`
    const entries = [...map]
    if (this.#options.sortMaps === true) entries.sort(([a], [b]) => compareText(String(a), String(b)))
    let hasOwnLines = true
    const items = entries.map(([key, value]) => {
      const isText = typeof key === 'string' || (typeof key === 'number' && this.#options.numericKeys === 'quoted')
      // fastjson's PrettyFormat starts a line only before keys that are text.
      hasOwnLines &&= isText
      return `${isText ? this.#text(String(key)) : this.write(key, inner)}:${this.write(value, inner)}`
    })
    return this.#enclosed('{', '}', items, indent, hasOwnLines)
  }

  #enclosed(open: string, close: string, items: readonly string[], indent: string, hasOwnLines: boolean): string {
    if (items.length === 0 || this.#options.pretty !== true) return open + items.join(',') + close
    const line = `\n${indent}\t`
    const start = hasOwnLines ? line : ''
    return `${open}${start}${items.join(hasOwnLines ? `,${line}` : ',')}\n${indent}${close}`
  }
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

/**
 * Writes a value in Java's JSON: keys of plain objects sorted, null and undefined members left out, Maps in their own
 * order with keys of their own kind (text quoted, numbers bare, objects as objects). An Int32Array is an int[].
 */
export const stringifyJava = (value: unknown, options: StringifyJavaOptions = {}): string =>
  new Writer(options).write(value, '')
