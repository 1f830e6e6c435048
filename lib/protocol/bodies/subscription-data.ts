import type { JavaJson } from '../../base/java-json.ts'
import { JsonReader, numberOf } from './json-reader.ts'

/** Names of Java's enums by ordinal: clients send either. */
export const CONSUME_TYPES = ['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP'] as const
export const MESSAGE_MODELS = ['BROADCASTING', 'CLUSTERING'] as const
export const CONSUME_FROM_WHERE = [
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
] as const

/** How a group gets its messages: by pulling itself, by a push consumer, by pop. */
export type ConsumeType = (typeof CONSUME_TYPES)[number]
/** Whether every member gets every message, or the members share them. */
export type MessageModel = (typeof MESSAGE_MODELS)[number]
/** Where a group without an offset begins. */
export type ConsumeFromWhere = (typeof CONSUME_FROM_WHERE)[number]

/** An enum member by name (in any case) or ordinal; undefined when it is neither. */
export const enumOf = <T extends string>(names: readonly T[], value: JavaJson | undefined): T | undefined => {
  if (typeof value === 'number') return names[value]
  if (typeof value !== 'string') return undefined
  const wanted = value.toUpperCase()
  return names.find((name) => name === wanted)
}

/** How a consumer group consumes. */
export interface ConsumeMode {
  readonly consumeType: ConsumeType
  readonly messageModel: MessageModel
  readonly consumeFromWhere: ConsumeFromWhere
}

/** What the members of a body say of it; Java's defaults for those that say nothing it knows. */
export const consumeModeOf = ({ members }: JsonReader): ConsumeMode => ({
  consumeType: enumOf(CONSUME_TYPES, members.consumeType) ?? 'CONSUME_PASSIVELY',
  messageModel: enumOf(MESSAGE_MODELS, members.messageModel) ?? 'CLUSTERING',
  consumeFromWhere: enumOf(CONSUME_FROM_WHERE, members.consumeFromWhere) ?? 'CONSUME_FROM_LAST_OFFSET',
})

/** What a group wants of one topic. */
export interface SubscriptionData {
  readonly topic: string
  /** The expression: `*`, tags split by `||`, or an SQL92 condition. */
  readonly subString: string
  /** `TAG` or `SQL92`. */
  readonly expressionType: string
  readonly tagsSet: readonly string[]
  /** `String.hashCode` of the tags. */
  readonly codeSet: readonly number[]
  /** Version of the subscription: ms since the epoch when it was made. */
  readonly subVersion: number
  readonly classFilterMode: boolean
}

/** Whether an expression of this type names tags. */
export const isTagType = (expressionType: string | undefined): boolean =>
  expressionType === undefined || expressionType === '' || expressionType === 'TAG'

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const subscriptionDataOf = (value: JavaJson, what = 'SubscriptionData'): SubscriptionData => {
  const reader = new JsonReader(value, what)
  return {
    topic: reader.text('topic', ''),
    subString: reader.text('subString', ''),
    expressionType: reader.text('expressionType', 'TAG'),
    tagsSet: reader.texts('tagsSet'),
    codeSet: reader.list('codeSet', numberOf),
    subVersion: reader.number('subVersion', 0),
    classFilterMode: reader.flag('classFilterMode', false),
  }
}
