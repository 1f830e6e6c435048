import { javaHashMapOrder } from './java-hash-map-order.ts'

export { javaHashMapOrder } from './java-hash-map-order.ts'
export { PropertyName } from './property-names.ts'

/** Between a property's name and its value. */
export const NAME_VALUE_SEPARATOR = '\u0001'
/** Between two properties. */
export const PROPERTY_SEPARATOR = '\u0002'
/** Longest property text of a stored record in bytes: its length field is a signed 16-bit integer. */
export const MAX_PROPERTIES_BYTES = 0x7fff

/** Shortest entry that Java takes: a name, the separator, a value, one character each. */
const MIN_ENTRY_LENGTH = 3

/**
 * Reads property text as Java does: entries without a name or without a value are left out, the last of two equal
 * names wins, a final separator is allowed.
 */
export const decodeProperties = (source: string | Buffer): Map<string, string> => {
  const text = typeof source === 'string' ? source : source.toString('utf8')
  const properties = new Map<string, string>()
  // Looked for again only when it is passed: text without any is not gone through for each entry.
  let separator = -1
  for (let at = 0; at < text.length; ) {
    const end = indexOrEnd(text, PROPERTY_SEPARATOR, at)
    if (separator < at) separator = indexOrEnd(text, NAME_VALUE_SEPARATOR, at)
    if (end - at >= MIN_ENTRY_LENGTH && separator > at && separator < end - 1) {
      properties.set(text.slice(at, separator), text.slice(separator + 1, end))
    }
    at = end + 1
  }
  return properties
}

const indexOrEnd = (text: string, wanted: string, from: number): number => {
  const found = text.indexOf(wanted, from)
  return found < 0 ? text.length : found
}

/** Writes property text in the map's own order, in the form of 4.9: no separator after the last entry. */
export const encodeProperties = (properties: ReadonlyMap<string, string>): string => {
  let text = ''
  for (const [name, value] of properties) {
    if (text !== '') text += PROPERTY_SEPARATOR
    text += name + NAME_VALUE_SEPARATOR + value
  }
  return text
}

/** The same properties in the order in which a `java.util.HashMap` filled in this map's order lists them. */
export const inJavaOrder = (properties: ReadonlyMap<string, string>): Map<string, string> =>
  new Map(javaHashMapOrder([...properties.keys()]).map((name) => [name, properties.get(name)!]))

/** Change that a broker makes to the properties of a message before it stores them. */
export interface PropertyChange {
  /** Names that are not stored. */
  readonly remove: readonly string[]
  /** Properties set by the broker. */
  readonly put: readonly (readonly [name: string, value: string])[]
}

/**
 * The property text a broker stores for what a client sent: properties are read, `put` is put, and the text is written
 * in HashMap order without those of `remove`.
 */
export const storedProperties = (source: string | Buffer, change: PropertyChange): string => {
  const properties = decodeProperties(source)
  for (const [name, value] of change.put) properties.set(name, value)
  // The order is that of the whole map: Java removes afterwards, and a table does not shrink.
  const stored = inJavaOrder(properties)
  for (const name of change.remove) stored.delete(name)
  return encodeProperties(stored)
}
