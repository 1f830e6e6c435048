import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader, parseBody } from './json-reader.ts'

/** One queue of a topic on one broker. */
export interface MessageQueue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const messageQueueOf = (value: JavaJson, what = 'MessageQueue'): MessageQueue => {
  const reader = new JsonReader(value, what)
  return {
    topic: reader.text('topic', ''),
    brokerName: reader.text('brokerName', ''),
    queueId: reader.number('queueId', 0),
  }
}

/** One text for one queue, to be used as a key. */
export const messageQueueKey = (queue: MessageQueue): string =>
  stringifyJava({ brokerName: queue.brokerName, queueId: queue.queueId, topic: queue.topic })

/** A table keyed by queues, whose keys were read as JSON texts. @throws {ProtocolError} `BODY_ILLEGAL` */
export const queueKeyed = <T>(table: ReadonlyMap<string, T>, what: string): Map<MessageQueue, T> =>
  new Map([...table].map(([key, item]) => [messageQueueOf(parseBody(key, what), what), item]))
