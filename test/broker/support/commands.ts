import { parseJavaJson } from '../../../lib/base/java-json.ts'
import type { RawCommand, RawReply } from '../../support/raw-client.ts'

/** A body in Java's JSON, as plain objects; keys that are objects show as their text. */
export const json = <T = Record<string, unknown>>({ body }: Pick<RawReply, 'body'>): T =>
  JSON.parse(JSON.stringify(parseJavaJson(body))) as T

/** One message to queue `queueId` of a topic, made when it is not there. */
export const sendCommand = (topic: string, more: { queueId?: number; properties?: string } = {}): RawCommand => ({
  code: 310,
  extFields: {
    a: 'PG',
    b: topic,
    c: 'TBW102',
    d: '4',
    e: String(more.queueId ?? 0),
    f: '0',
    g: '1',
    h: '0',
    i: more.properties ?? '',
    m: 'false',
  },
  body: Buffer.from('hello'),
})

/** Makes or changes a topic. */
export const topicCommand = (topic: string, more: Readonly<Record<string, string>> = {}): RawCommand => ({
  code: 17,
  extFields: {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: '2',
    writeQueueNums: '2',
    perm: '6',
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: '0',
    order: 'false',
    ...more,
  },
})

/** One client as producer of `PG` and, when a group is named, as consumer of a topic. */
export const heartbeatCommand = (clientID: string, groupName?: string, topic = 'T'): RawCommand => {
  const subscription = { topic, subString: '*', subVersion: 1, expressionType: 'TAG' }
  const consumer = {
    groupName,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: [subscription],
  }
  const heartbeat = {
    clientID,
    producerDataSet: [{ groupName: 'PG' }],
    consumerDataSet: groupName === undefined ? [] : [consumer],
  }
  return { code: 34, body: Buffer.from(JSON.stringify(heartbeat)) }
}

/** Stores where a group stands. */
export const commitCommand = (consumerGroup: string, topic: string, queueId: number, offset: number): RawCommand => ({
  code: 15,
  extFields: { consumerGroup, topic, queueId: String(queueId), commitOffset: String(offset) },
})
