import { RETRY_TOPIC_PREFIX } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { type NewMessage, withProperties } from '../messages/new-message.ts'
import { deadLettersOf, type RetryGroups, type RetryTopics, retryGroup, retryLimit } from './retry-limit.ts'

/** What a send says about a message that is to be consumed again. */
export interface RetriedSend {
  /** A retry topic. */
  readonly topic: string
  readonly reconsumeTimes: number
  readonly maxReconsumeTimes: number | undefined
  /** Of the client. */
  readonly version: number
}

/** Changes a message before it is stored. */
export type Redirection = (message: NewMessage) => NewMessage

/** Judges sends to retry topics. */
export type RetriedSends = (send: RetriedSend) => Redirection | undefined

/**
 * What becomes of messages that clients send to a retry topic themselves, as orderly consumers do: consumed too often,
 * they go to the dead letters, at once; else undefined.
 * @throws {ResponseError} when there is no such group
 */
export const retriedSends =
  (groups: RetryGroups, topics: RetryTopics): RetriedSends =>
  (send) => {
    const name = send.topic.slice(RETRY_TOPIC_PREFIX.length)
    const group = retryGroup(groups, name)
    if (send.reconsumeTimes < retryLimit(group, send.version, send.maxReconsumeTimes)) return undefined
    const place = deadLettersOf(topics, name)
    return (message) => {
      // Java means to, but takes the client's delay after all.
      const isDelayed = message.properties.has(PropertyName.DELAY)
      const properties = isDelayed
        ? withProperties(message.properties, { [PropertyName.DELAY]: '0' })
        : message.properties
      return { ...message, ...place, properties }
    }
  }
