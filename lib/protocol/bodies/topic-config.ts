import { type JavaJson, type JavaJsonObject, parseJavaJson, stringifyJava } from '../../base/java-json.ts'
import { PERM_READ, PERM_WRITE } from '../permissions.ts'
import { ProtocolError } from '../protocol-error.ts'
import { type DataVersion, dataVersionOf } from './data-version.ts'
import { JsonReader, textOf } from './json-reader.ts'

export type TopicFilterType = 'SINGLE_TAG' | 'MULTI_TAG'

/** Settings of one topic. */
export interface TopicConfig {
  readonly topicName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  /** Permission bits. */
  readonly perm: number
  readonly topicFilterType: TopicFilterType
  readonly topicSysFlag: number
  readonly order: boolean
  /** 5.x: queue.type, cleanup.policy, message.type, reserve.time. */
  readonly attributes?: ReadonlyMap<string, string>
  /** Members another version wrote, kept as they are. */
  readonly others?: JavaJsonObject
}

/** Queues of a topic that does not say, in each direction. */
export const DEFAULT_QUEUE_NUMS = 16

/** A topic with Java's defaults: 16 queues, readable and writeable, single tag. */
export const topicConfig = (topicName: string, changes: Partial<Omit<TopicConfig, 'topicName'>> = {}): TopicConfig => ({
  topicName,
  readQueueNums: DEFAULT_QUEUE_NUMS,
  writeQueueNums: DEFAULT_QUEUE_NUMS,
  perm: PERM_READ | PERM_WRITE,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  ...changes,
})

const MEMBERS: ReadonlySet<string> = new Set([...Object.keys(topicConfig('')), 'attributes'])

const filterTypeOf = (value: JavaJson | undefined): TopicFilterType =>
  value === 'MULTI_TAG' || value === 1 ? 'MULTI_TAG' : 'SINGLE_TAG'

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const topicConfigOf = (value: JavaJson, what = 'TopicConfig'): TopicConfig => {
  const reader = new JsonReader(value, what)
  const others = reader.others(MEMBERS)
  const hasAttributes = (reader.members.attributes ?? null) !== null
  return topicConfig(reader.text('topicName', ''), {
    readQueueNums: reader.number('readQueueNums', DEFAULT_QUEUE_NUMS),
    writeQueueNums: reader.number('writeQueueNums', DEFAULT_QUEUE_NUMS),
    perm: reader.number('perm', PERM_READ | PERM_WRITE),
    topicFilterType: filterTypeOf(reader.members.topicFilterType),
    topicSysFlag: reader.number('topicSysFlag', 0),
    order: reader.flag('order', false),
    ...(hasAttributes ? { attributes: reader.table('attributes', textOf) } : {}),
    ...(others === undefined ? {} : { others }),
  })
}

/** The object to write for a topic. */
export const topicConfigJson = ({ others, ...config }: TopicConfig): object => ({ ...others, ...config })

/** The one-line form of compressed registration: name, read, write, permission, filter type, split by blanks. */
export const topicConfigLine = (config: TopicConfig): string =>
  [config.topicName, config.readQueueNums, config.writeQueueNums, config.perm, config.topicFilterType].join(' ')

/**
 * Reads the one-line form; 5.x appends the attributes as JSON.
 * @throws {ProtocolError} `BODY_ILLEGAL`
 */
export const topicConfigOfLine = (line: string): TopicConfig => {
  const [topicName = '', ...rest] = line.split(' ')
  const [readQueueNums, writeQueueNums, perm] = rest.slice(0, 3).map(Number)
  const filterType = rest[3]
  const isComplete = [readQueueNums, writeQueueNums, perm].every((value) => Number.isInteger(value))
  if (!isComplete || topicName === '' || filterType === undefined) {
    throw new ProtocolError('BODY_ILLEGAL', `${line.slice(0, 128)} is no topic line`)
  }
  const attributes = attributesOfLine(rest[4])
  return topicConfig(topicName, {
    readQueueNums: readQueueNums!,
    writeQueueNums: writeQueueNums!,
    perm: perm!,
    topicFilterType: filterTypeOf(filterType),
    ...(attributes === undefined ? {} : { attributes }),
  })
}

/** Like Java, a blank inside an attribute loses the attributes, not the topic. */
const attributesOfLine = (text: string | undefined): ReadonlyMap<string, string> | undefined => {
  if (text === undefined || !text.endsWith('}')) return undefined
  return new Map(
    Object.entries(new JsonReader(parseJavaJson(text), 'attributes').members).map(([name, value]) => [
      name,
      String(value),
    ]),
  )
}

/** All topics of a broker: the content of topics.json and the answer to GET_ALL_TOPIC_CONFIG. */
export interface TopicConfigSerializeWrapper {
  readonly dataVersion: DataVersion
  readonly topicConfigTable: ReadonlyMap<string, TopicConfig>
}

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const topicConfigWrapperOf = (
  value: JavaJson,
  what = 'TopicConfigSerializeWrapper',
): TopicConfigSerializeWrapper => {
  const reader = new JsonReader(value, what)
  return {
    dataVersion: dataVersionOf(reader.members.dataVersion ?? Object.create(null), `${what}.dataVersion`),
    topicConfigTable: reader.table('topicConfigTable', topicConfigOf),
  }
}

export const topicConfigWrapperJson = (wrapper: TopicConfigSerializeWrapper): object => ({
  dataVersion: wrapper.dataVersion,
  topicConfigTable: new Map([...wrapper.topicConfigTable].map(([name, config]) => [name, topicConfigJson(config)])),
})

/** @param pretty the form of topics.json */
export const encodeTopicConfigWrapper = (wrapper: TopicConfigSerializeWrapper, pretty = false): Buffer =>
  Buffer.from(stringifyJava(topicConfigWrapperJson(wrapper), { pretty }))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeTopicConfigWrapper = (body: Buffer | string): TopicConfigSerializeWrapper =>
  topicConfigWrapperOf(JsonReader.of(body, 'TopicConfigSerializeWrapper').members as JavaJson)

/** Topics of a CreateTopicListRequestBody. @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeTopicConfigList = (body: Buffer | string): TopicConfig[] =>
  JsonReader.of(body, 'CreateTopicListRequestBody').list('topicConfigList', topicConfigOf)
