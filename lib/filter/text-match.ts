import type { PropertySlots } from './property-slots.ts'
import type { Search } from './sql-expression.ts'
import { UnitSearch, unitsOf } from './unit-search.ts'

/** Whether the property in a slot, which there is, has some relation to a text. */
export type TextTest = (slot: number) => boolean

/** A replacement character stands for bytes that are no UTF-8, and half a pair has no bytes: both need decoded text. */
const NEEDS_TEXT = /[\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
/** Whether a text cannot be looked for as bytes. */
export const needsText = (text: string): boolean => NEEDS_TEXT.test(text)

/** Up to here a list is gone through byte by byte; longer ones are a set of decoded texts. */
const MAX_LIST = 8

const sameBytes = (wanted: Buffer, buffer: Buffer, at: number): boolean => {
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== buffer[at + i]) return false
  return true
}

/** The property is the text. */
export const isText = (slots: PropertySlots, text: string): TextTest => {
  if (NEEDS_TEXT.test(text)) return (slot) => slots.text(slot) === text
  const wanted = Buffer.from(text)
  const { starts, ends } = slots
  return (slot) => {
    const start = starts[slot]!
    return ends[slot]! - start === wanted.length && sameBytes(wanted, slots.buffer, start)
  }
}

/** The property is one of the texts. */
export const isOneOf = (slots: PropertySlots, texts: readonly string[]): TextTest => {
  if (texts.length > MAX_LIST) {
    const set = new Set(texts)
    return (slot) => set.has(slots.text(slot)!)
  }
  const tests = texts.map((text) => isText(slots, text))
  return (slot) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(slot)) return true
    return false
  }
}

/** A text search in decoded text; `wanted` is not empty. */
export const searchInText = (by: Search, wanted: string): ((text: string) => boolean) => {
  switch (by) {
    case 'CONTAINS': {
      const search = new UnitSearch(unitsOf(wanted))
      return (text) => search.isIn(unitsOf(text), 0, text.length)
    }
    case 'STARTSWITH':
      return (text) => text.startsWith(wanted)
    case 'ENDSWITH':
      return (text) => text.endsWith(wanted)
  }
}

/** The property has the text, which is not empty, in it, or begins or ends with it. */
export const hasText = (slots: PropertySlots, by: Search, text: string): TextTest => {
  if (NEEDS_TEXT.test(text)) {
    const holds = searchInText(by, text)
    return (slot) => holds(slots.text(slot)!)
  }
  const wanted = Buffer.from(text)
  const { starts, ends } = slots
  const within = (slot: number): number => ends[slot]! - starts[slot]! - wanted.length
  switch (by) {
    case 'STARTSWITH':
      return (slot) => within(slot) >= 0 && sameBytes(wanted, slots.buffer, starts[slot]!)
    case 'ENDSWITH':
      return (slot) => within(slot) >= 0 && sameBytes(wanted, slots.buffer, ends[slot]! - wanted.length)
    case 'CONTAINS': {
      const search = new UnitSearch(wanted)
      return (slot) => search.isIn(slots.buffer, starts[slot]!, ends[slot]!)
    }
  }
}
