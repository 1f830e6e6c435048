import { deflateBody } from '../protocol/compression.ts'
import { isUnsendableTopic, validateTopic } from '../protocol/names.ts'
import {
  encodeProperties,
  inJavaOrder,
  MAX_PROPERTIES_BYTES,
  NAME_VALUE_SEPARATOR,
  PROPERTY_SEPARATOR,
  PropertyName,
} from '../protocol/properties.ts'
import { KEY_SEPARATOR } from '../protocol/property-names.ts'
import { MessageSysFlag } from '../protocol/sys-flags.ts'
import { ClientError } from './client-error.ts'
import type { OutgoingMessage } from './message.ts'

/** A message in the form in which it is sent. */
export interface PreparedMessage {
  readonly topic: string
  /** The body as it travels. */
  readonly body: Buffer
  readonly sysFlag: number
  readonly flag: number
  readonly properties: string
  /** The client's id of the message. */
  readonly messageId: string
}

/** What the producer's options say of message bodies. */
export interface BodyRules {
  readonly maxMessageBytes: number
  /** Larger bodies are compressed. */
  readonly compressOverBytes: number
}

/** Names with a meaning to brokers or clients, which are no user properties. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(Object.values(PropertyName))

const invalid = (why: string): ClientError => new ClientError('CLIENT_MESSAGE_INVALID', why)

const checkText = (what: string, text: string): void => {
  if (text === '') throw invalid(`${what} is empty`)
  if (text.includes(NAME_VALUE_SEPARATOR) || text.includes(PROPERTY_SEPARATOR)) {
    throw invalid(`${what} contains the character U+0001 or U+0002`)
  }
}

const checkBody = (body: Buffer, { maxMessageBytes }: BodyRules): void => {
  if (!Buffer.isBuffer(body)) throw invalid('the body is no Buffer')
  if (body.length === 0) throw invalid('the body is empty')
  if (body.length > maxMessageBytes) {
    throw invalid(`the body has ${body.length} bytes, at most ${maxMessageBytes} are allowed`)
  }
}

const propertiesOf = (message: OutgoingMessage, messageId: string): Map<string, string> => {
  const { properties = {}, tag, keys = [] } = message
  const all = new Map<string, string>()
  for (const [name, value] of Object.entries(properties)) {
    checkText('a property name', name)
    checkText(`the property ${name}`, value)
    if (RESERVED_NAMES.has(name)) throw invalid(`the property name ${name} is reserved`)
    all.set(name, value)
  }
  if (tag !== undefined) {
    checkText('the tag', tag)
    all.set(PropertyName.TAGS, tag)
  }
  for (const key of keys) {
    checkText('a key', key)
    if (key.includes(KEY_SEPARATOR)) throw invalid(`the key "${key}" contains a blank, which separates keys`)
  }
  if (keys.length > 0) all.set(PropertyName.KEYS, keys.join(KEY_SEPARATOR))
  all.set(PropertyName.WAIT, 'true')
  all.set(PropertyName.UNIQ_KEY, messageId)
  return inJavaOrder(all)
}

/**
 * Checks a message and gives it the properties and the body that travel: those of the Java client.
 * @throws {ClientError} `CLIENT_MESSAGE_INVALID`
 */
export const prepareMessage = (message: OutgoingMessage, messageId: string, rules: BodyRules): PreparedMessage => {
  const { topic, body, flag = 0 } = message
  const topicFault = validateTopic(topic)
  if (topicFault !== undefined) throw invalid(topicFault)
  if (isUnsendableTopic(topic)) throw invalid(`the topic ${topic} takes no messages from clients`)
  if (!Number.isInteger(flag) || flag !== (flag | 0)) throw invalid(`the flag ${flag} is no 32-bit integer`)
  checkBody(body, rules)
  const properties = encodeProperties(propertiesOf(message, messageId))
  const propertiesBytes = Buffer.byteLength(properties)
  if (propertiesBytes > MAX_PROPERTIES_BYTES) {
    throw invalid(`the properties have ${propertiesBytes} bytes, at most ${MAX_PROPERTIES_BYTES} fit`)
  }
  const compressed = body.length >= rules.compressOverBytes
  return {
    topic,
    body: compressed ? deflateBody(body) : body,
    sysFlag: compressed ? MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB : 0,
    flag,
    properties,
    messageId,
  }
}
