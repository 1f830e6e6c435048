import type { SubscriptionData } from '../protocol/bodies/index.ts'
import { javaStringHash } from '../protocol/java-string-hash.ts'
import { validateTopic } from '../protocol/names.ts'
import { PropertyName } from '../protocol/property-names.ts'
import { ClientError } from './client-error.ts'

export const ALL_TAGS = '*'
const TAG_SEPARATOR = '||'

/**
 * What a group wants of a topic: all messages (`*`) or those with one of some tags (`A || B`).
 * @param version grows with every change of the group's subscriptions: ms since the epoch
 * @throws {ClientError} `CLIENT_OPTION_INVALID`
 */
export const tagSubscription = (topic: string, expression: string, version: number): SubscriptionData => {
  const topicFault = validateTopic(topic)
  if (topicFault !== undefined) throw new ClientError('CLIENT_OPTION_INVALID', topicFault)
  const wantsAll = expression.trim() === '' || expression.trim() === ALL_TAGS
  const named = expression.split(TAG_SEPARATOR).map((tag) => tag.trim())
  const tagsSet = wantsAll ? [] : [...new Set(named)].filter((tag) => tag !== '')
  if (!wantsAll && tagsSet.length === 0) {
    throw new ClientError('CLIENT_OPTION_INVALID', `the tag expression "${expression}" names no tag`)
  }
  return {
    topic,
    subString: wantsAll ? ALL_TAGS : expression,
    expressionType: 'TAG',
    tagsSet,
    codeSet: [...new Set(tagsSet.map(javaStringHash))],
    subVersion: version,
    classFilterMode: false,
  }
}

/** Whether a message is wanted. Brokers compare hash codes only, so that tags they take for equal may differ. */
export const wants = ({ tagsSet }: SubscriptionData, properties: ReadonlyMap<string, string>): boolean => {
  if (tagsSet.length === 0) return true
  const tag = properties.get(PropertyName.TAGS)
  return tag !== undefined && tagsSet.includes(tag)
}
