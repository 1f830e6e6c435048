import { handler, ResponseError } from '../../net/handler.ts'
import { type TopicConfig, type TopicFilterType, topicConfig } from '../../protocol/bodies/topic-config.ts'
import { updateAndCreateTopic } from '../../protocol/commands/update-and-create-topic.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SystemTopics } from '../topics/system-topics.ts'
import { checkTopicName, orRefuse, refuseOnSlave } from './refusals.ts'

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

/** Makes or changes a topic. Answered when it is on the device and name servers were told. */
export const updateTopicHandler = (topics: TopicEditor, config: BrokerConfig, announced: () => Promise<void>) =>
  handler(updateAndCreateTopic, async (header) => {
    refuseOnSlave(config)
    checkOwnTopic(topics, header.topic)
    const { readQueueNums, writeQueueNums, perm, topicSysFlag = 0, order } = header
    const topic = topicConfig(header.topic, {
      ...topics.get(header.topic),
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
