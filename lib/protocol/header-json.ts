import { FrameError } from './frame-error.ts'
import { languageCodeOf, languageNameOf } from './language-codes.ts'
import { type DecodedHeader, MAX_EXT_FIELDS, type OutgoingFrame } from './outgoing-frame.ts'
import { LANGUAGE_OTHER, PROTOCOL_VERSION } from './remoting-command.ts'

const NO_FIELDS: ReadonlyMap<string, string> = new Map()
const INTEGER = /^[+-]?\d{1,10}$/
const PLAIN = /^[ !#-[\]-~]*$/

const undecodable = (why: string, cause?: unknown): FrameError =>
  new FrameError('HEADER_UNDECODABLE', `the JSON header cannot be read: ${why}`, cause === undefined ? {} : { cause })

/** Java takes an int from a JSON number and from text that holds one. */
const int32Of = (name: string, value: unknown): number => {
  if (value === undefined || value === null) return 0
  const number = typeof value === 'string' && INTEGER.test(value) ? Number(value) : value
  if (typeof number !== 'number' || (number | 0) !== number) throw undecodable(`${name} is no 32-bit integer`)
  return number
}

const languageOf = (value: unknown): number | undefined => {
  if (typeof value === 'string') return languageCodeOf(value)
  return typeof value === 'number' && languageNameOf(value) !== undefined ? value : undefined
}

const extFieldsOf = (value: unknown): ReadonlyMap<string, string> => {
  if (value === undefined || value === null) return NO_FIELDS
  if (typeof value !== 'object' || Array.isArray(value)) throw undecodable('extFields is no object')
  const fields = new Map<string, string>()
  for (const [key, field] of Object.entries(value)) {
    if (field === null) continue
    if (typeof field === 'object')
      throw undecodable(`ext field ${key.slice(0, 64)} is neither text nor number nor boolean`)
    if (fields.size === MAX_EXT_FIELDS) throw undecodable(`more than ${MAX_EXT_FIELDS} ext fields`)
    fields.set(key, typeof field === 'string' ? field : String(field))
  }
  return fields
}

/**
 * Reads a JSON header from [start, end). Absent numbers are 0, unknown keys are ignored, ext values that are numbers or
 * booleans become text, an unknown language becomes undefined.
 * @throws {FrameError} `HEADER_UNDECODABLE`
 */
export const decodeJsonHeader = (buffer: Buffer, start: number, end: number): DecodedHeader => {
  let header: unknown
  try {
    header = JSON.parse(buffer.toString('utf8', start, end))
  } catch (cause) {
    throw undecodable('it is no JSON', cause)
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw undecodable('it is no object')
  const own = new Map<string, unknown>(Object.entries(header))
  const remark = own.get('remark')
  return {
    code: int32Of('code', own.get('code')),
    language: languageOf(own.get('language')),
    version: int32Of('version', own.get('version')),
    opaque: int32Of('opaque', own.get('opaque')),
    flag: int32Of('flag', own.get('flag')),
    remark: typeof remark === 'string' ? remark : undefined,
    extFields: extFieldsOf(own.get('extFields')),
  }
}

/** JSON string literal; most fields need no escape. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text))

const extFieldsText = (fields: ReadonlyMap<string, string>): string => {
  let text = ''
  for (const [key, value] of fields) text += `${text === '' ? '' : ','}${quoted(key)}:${quoted(value)}`
  return `"extFields":{${text}},`
}

/** Writes a JSON header as Java does: keys in alphabetical order, absent values left out. */
export const encodeJsonHeader = (command: OutgoingFrame): string => {
  const { extFields, remark } = command
  const language = languageNameOf(command.language ?? LANGUAGE_OTHER) ?? 'OTHER'
  const ext = extFields === undefined ? '' : extFieldsText(extFields)
  const remarkText = remark === undefined ? '' : `"remark":${quoted(remark)},`
  return (
    `{"code":${command.code},${ext}"flag":${command.flag},"language":"${language}","opaque":${command.opaque},` +
    `${remarkText}"serializeTypeCurrentRPC":"JSON","version":${command.version ?? PROTOCOL_VERSION}}`
  )
}
