import { deflateSync, inflateSync } from 'node:zlib'
import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { ProtocolError } from '../protocol-error.ts'
import { decodeDataVersion } from './data-version.ts'
import { JsonReader, parseBody, textOf } from './json-reader.ts'
import {
  type TopicConfig,
  type TopicConfigSerializeWrapper,
  topicConfigLine,
  topicConfigOfLine,
  topicConfigWrapperJson,
  topicConfigWrapperOf,
} from './topic-config.ts'

/** Body of REGISTER_BROKER: the topics of a broker. */
export interface RegisterBrokerBody {
  readonly topicConfigSerializeWrapper: TopicConfigSerializeWrapper
  readonly filterServerList: readonly string[]
}

/** Java packs as small as it can. */
const COMPRESSION_LEVEL = 9
/** A registration is topics' names and numbers: even 100,000 topics stay far below this. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024

const section = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const count = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

const encodeCompressed = (
  { topicConfigSerializeWrapper: wrapper, filterServerList }: RegisterBrokerBody,
  has5xSections: boolean,
): Buffer => {
  const configs = [...wrapper.topicConfigTable.values()]
  const parts = [
    section(stringifyJava(wrapper.dataVersion)),
    count(configs.length),
    ...configs.map((config) => section(topicConfigLine(config))),
    section(stringifyJava(filterServerList)),
    ...(has5xSections ? [count(0)] : []),
  ]
  return deflateSync(Buffer.concat(parts), { level: COMPRESSION_LEVEL })
}

/**
 * Writes a registration.
 * @param form.compressed the zlib form; the header's `compressed` says so
 * @param form.has5xSections adds the (empty) section that readers expect of brokers from version 413 (5.0.0) on
 */
export const encodeRegisterBroker = (
  body: RegisterBrokerBody,
  form: { readonly compressed?: boolean; readonly has5xSections?: boolean } = {},
): Buffer => {
  if (form.compressed === true) return encodeCompressed(body, form.has5xSections === true)
  const topicConfigSerializeWrapper = topicConfigWrapperJson(body.topicConfigSerializeWrapper)
  return Buffer.from(stringifyJava({ filterServerList: body.filterServerList, topicConfigSerializeWrapper }))
}

/** Takes length-prefixed parts off a buffer. */
class Sections {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  number(): number {
    if (this.#bytes.length - this.#at < 4) throw new ProtocolError('BODY_ILLEGAL', 'RegisterBrokerBody ends early')
    const value = this.#bytes.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  text(): string {
    const length = this.number()
    if (length < 0 || length > this.#bytes.length - this.#at) {
      throw new ProtocolError('BODY_ILLEGAL', `RegisterBrokerBody declares a part of ${length} bytes`)
    }
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }
}

const inflated = (body: Buffer): Buffer => {
  try {
    return inflateSync(body, { maxOutputLength: MAX_INFLATED_BYTES })
  } catch (cause) {
    throw new ProtocolError('BODY_ILLEGAL', 'RegisterBrokerBody is no zlib stream of a sane size', { cause })
  }
}

/** The sections 5.x adds at the end (queue mappings of static topics) are not read. */
const decodeCompressed = (body: Buffer): RegisterBrokerBody => {
  const sections = new Sections(inflated(body))
  const dataVersion = decodeDataVersion(sections.text())
  const topicConfigTable = new Map<string, TopicConfig>()
  for (let left = sections.number(); left > 0; left--) {
    const config = topicConfigOfLine(sections.text())
    topicConfigTable.set(config.topicName, config)
  }
  const filters = parseBody(sections.text(), 'RegisterBrokerBody.filterServerList')
  const filterServerList = new JsonReader({ list: filters }, 'RegisterBrokerBody').list('list', textOf)
  return { topicConfigSerializeWrapper: { dataVersion, topicConfigTable }, filterServerList }
}

/**
 * Reads a registration.
 * @param compressed as the header's field of that name says
 * @throws {ProtocolError} `BODY_ILLEGAL`
 */
export const decodeRegisterBroker = (body: Buffer, compressed = false): RegisterBrokerBody => {
  if (compressed) return decodeCompressed(body)
  const reader = JsonReader.of(body, 'RegisterBrokerBody')
  const empty: JavaJson = Object.create(null)
  return {
    topicConfigSerializeWrapper: topicConfigWrapperOf(reader.members.topicConfigSerializeWrapper ?? empty),
    filterServerList: reader.texts('filterServerList'),
  }
}
