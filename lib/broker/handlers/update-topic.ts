import { handler, ResponseError } from '../../net/handler.ts'
import {
  decodeTopicConfigList,
  type TopicConfig,
  type TopicFilterType,
  topicConfig,
} from '../../protocol/bodies/topic-config.ts'
import { updateAndCreateTopic } from '../../protocol/commands/update-and-create-topic.ts'
import { updateAndCreateTopicList } from '../../protocol/commands/update-and-create-topic-list.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SystemTopics } from '../topics/system-topics.ts'
import { checkTopicName, decodedBody, orRefuse, refuseOnSlave } from './refusals.ts'

/** What making and changing topics needs. */
export interface TopicEditor {
  readonly system: SystemTopics
  get(name: string): TopicConfig | undefined
  update(topic: TopicConfig): void
  delete(name: string): boolean
  /** Resolves when the table is on the device. */
  flush(): Promise<void>
}

const filterType = (text: string): TopicFilterType => {
  if (text === 'SINGLE_TAG' || text === 'MULTI_TAG') return text
  throw new ResponseError('SYSTEM_ERROR', `topicFilterType = [${text}] value invalid`)
}

/** @throws {ResponseError} when the name is not valid or the system's own */
export const checkOwnTopic = (topics: TopicEditor, topic: string): void => {
  checkTopicName(topic)
  if (topics.system.has(topic)) {
    throw new ResponseError('SYSTEM_ERROR', `The topic[${topic}] is conflict with system topic.`)
  }
}

/** Attributes as 5.x changes them: `+name` sets one, `-name` takes one away, anything else says nothing. */
const changedAttributes = (
  before: ReadonlyMap<string, string> | undefined,
  changes: Iterable<readonly [string, string]>,
): Pick<TopicConfig, 'attributes'> => {
  const attributes = new Map(before)
  for (const [name, value] of changes) {
    if (name.startsWith('+')) attributes.set(name.slice(1), value)
    else if (name.startsWith('-')) attributes.delete(name.slice(1))
  }
  return attributes.size === 0 ? {} : { attributes }
}

/** Attributes as code 17 carries them: `+name=value,-name`. */
const listedAttributes = (text: string): (readonly [string, string])[] =>
  text.split(',').map((entry) => {
    const [name = '', ...value] = entry.split('=')
    return [name.trim(), value.join('=').trim()]
  })

/** Makes or changes a topic. Answered when it is on the device and name servers were told. */
export const updateTopicHandler = (topics: TopicEditor, config: BrokerConfig, announced: () => Promise<void>) =>
  handler(updateAndCreateTopic, async (header) => {
    refuseOnSlave(config)
    checkOwnTopic(topics, header.topic)
    const { readQueueNums, writeQueueNums, perm, topicSysFlag = 0, order } = header
    const { attributes, ...before } = topics.get(header.topic) ?? topicConfig(header.topic)
    const topic = topicConfig(header.topic, {
      ...before,
      ...changedAttributes(attributes, listedAttributes(header.attributes ?? '')),
      readQueueNums,
      writeQueueNums,
      perm,
      topicSysFlag,
      order,
      topicFilterType: filterType(header.topicFilterType),
    })
    orRefuse(() => topics.update(topic))
    await Promise.all([topics.flush(), announced()])
    return {}
  })

/** @throws {ResponseError} with the code of 5.x, whose command this is */
const checkListed = (topics: TopicEditor, topic: string): void => {
  try {
    checkOwnTopic(topics, topic)
  } catch (error) {
    throw new ResponseError('INVALID_PARAMETER', (error as Error).message, { cause: error })
  }
}

/** Makes or changes several topics, or none when one has no valid name. */
export const updateTopicListHandler = (topics: TopicEditor, config: BrokerConfig, announced: () => Promise<void>) =>
  handler(updateAndCreateTopicList, async (_, { request }) => {
    refuseOnSlave(config)
    const wanted = decodedBody(request.body, decodeTopicConfigList)
    for (const { topicName } of wanted) checkListed(topics, topicName)
    for (const { attributes = [], ...topic } of wanted) {
      const before = topics.get(topic.topicName)?.attributes
      orRefuse(() => topics.update({ ...topic, ...changedAttributes(before, attributes) }))
    }
    await Promise.all([topics.flush(), announced()])
    return {}
  })
