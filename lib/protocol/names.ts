/** Longest topic name in characters. */
export const MAX_TOPIC_LENGTH = 127
/** Longest group name in characters. */
export const MAX_GROUP_LENGTH = 255

/** The alphabet of topic and group names, as error texts state it. */
export const NAME_PATTERN_TEXT = '^[%|a-zA-Z0-9_-]+$'

const NAME = /^[%|a-zA-Z0-9_-]+$/
const BLANK = /^\s*$/

export const RETRY_TOPIC_PREFIX = '%RETRY%'
export const DLQ_TOPIC_PREFIX = '%DLQ%'
export const LMQ_PREFIX = '%LMQ%'
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_'
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_'

/** Topics with a meaning of their own. */
export const SystemTopic = {
  /** Its settings are the model for topics created at their first message. */
  AUTO_CREATE_KEY: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANS_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRANS_OP_HALF: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRANS_CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED_EVENT: 'OFFSET_MOVED_EVENT',
} as const

/** Where messages wait for their delivery time (5.x). Not one of those that every broker has from its start. */
export const TIMER_TOPIC = 'rmq_sys_wheel_timer'

/** Groups with a meaning of their own. */
export const SystemGroup = {
  DEFAULT_PRODUCER: 'DEFAULT_PRODUCER',
  DEFAULT_CONSUMER: 'DEFAULT_CONSUMER',
  TOOLS_CONSUMER: 'TOOLS_CONSUMER',
  SCHEDULE_CONSUMER: 'SCHEDULE_CONSUMER',
  FILTERSRV_CONSUMER: 'FILTERSRV_CONSUMER',
  MONITOR_CONSUMER: '__MONITOR_CONSUMER',
  CLIENT_INNER_PRODUCER: 'CLIENT_INNER_PRODUCER',
  SELF_TEST_PRODUCER: 'SELF_TEST_P_GROUP',
  SELF_TEST_CONSUMER: 'SELF_TEST_C_GROUP',
  ONS_HTTP_PROXY: 'CID_ONS-HTTP-PROXY',
  ONSAPI_PERMISSION: 'CID_ONSAPI_PERMISSION',
  ONSAPI_OWNER: 'CID_ONSAPI_OWNER',
  ONSAPI_PULL: 'CID_ONSAPI_PULL',
  SYS_TRANS: 'CID_RMQ_SYS_TRANS',
} as const

/** Subscription groups every broker has from its start. */
export const PRESET_GROUPS: readonly string[] = [
  SystemGroup.TOOLS_CONSUMER,
  SystemGroup.FILTERSRV_CONSUMER,
  SystemGroup.SELF_TEST_CONSUMER,
  SystemGroup.ONS_HTTP_PROXY,
  SystemGroup.ONSAPI_PULL,
  SystemGroup.ONSAPI_PERMISSION,
  SystemGroup.ONSAPI_OWNER,
]

/** KV namespace of the name server that holds `broker:queues;...` for ordered topics. */
export const ORDER_TOPIC_NAMESPACE = 'ORDER_TOPIC_CONFIG'

const systemTopics: ReadonlySet<string> = new Set(Object.values(SystemTopic))

/** Topics that take messages only from the broker itself. */
export const UNSENDABLE_TOPICS: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
  TIMER_TOPIC,
])

/** Whether every character may stand in a topic or group name, and there is one. */
export const isValidName = (name: string): boolean => NAME.test(name)

/** Why `topic` is no topic name, in the words Java's broker answers with; undefined when it is one. */
export const validateTopic = (topic: string): string | undefined => {
  if (BLANK.test(topic)) return 'The specified topic is blank.'
  if (!NAME.test(topic)) {
    return `The specified topic contains illegal characters, allowing only ${NAME_PATTERN_TEXT}`
  }
  if (topic.length > MAX_TOPIC_LENGTH) return 'The specified topic is longer than topic max length.'
  return undefined
}

/** Whether `topic` may name a topic: 1 to 127 characters of the alphabet. */
export const isValidTopic = (topic: string): boolean => validateTopic(topic) === undefined

/** Why `group` is no group name, in the words of Java's client; undefined when it is one. */
export const validateGroup = (group: string): string | undefined => {
  if (BLANK.test(group)) return 'the specified group is blank'
  if (group.length > MAX_GROUP_LENGTH) return 'the specified group is longer than group max length 255.'
  if (!NAME.test(group)) {
    return `the specified group[${group}] contains illegal characters, allowing only ${NAME_PATTERN_TEXT}`
  }
  return undefined
}

/** Whether `group` may name a group: 1 to 255 characters of the alphabet. */
export const isValidGroup = (group: string): boolean => validateGroup(group) === undefined

/** Topic that holds a group's messages to be consumed again. */
export const retryTopic = (group: string): string => RETRY_TOPIC_PREFIX + group
/** Topic that holds the messages a group gave up. */
export const dlqTopic = (group: string): string => DLQ_TOPIC_PREFIX + group
/** Topic that carries the replies of request-reply in one cluster. */
export const replyTopic = (cluster: string): string => `${cluster}_REPLY_TOPIC`

export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_TOPIC_PREFIX)
export const isDlqTopic = (topic: string): boolean => topic.startsWith(DLQ_TOPIC_PREFIX)
export const isLmqName = (name: string): boolean => name.startsWith(LMQ_PREFIX)

/** The group a `%RETRY%` or `%DLQ%` topic belongs to; undefined for other topics. */
export const groupOfTopic = (topic: string): string | undefined => {
  if (isRetryTopic(topic)) return topic.slice(RETRY_TOPIC_PREFIX.length)
  return isDlqTopic(topic) ? topic.slice(DLQ_TOPIC_PREFIX.length) : undefined
}

/** Topics of RocketMQ itself; those named after a cluster or broker are known only to that broker. */
export const isSystemTopic = (topic: string): boolean =>
  systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX)

/** Whether clients are refused when they send to `topic`. */
export const isUnsendableTopic = (topic: string): boolean => UNSENDABLE_TOPICS.has(topic)

/** Groups whose name begins with the prefix of the system's own. */
export const isSystemGroup = (group: string): boolean => group.startsWith(SYSTEM_GROUP_PREFIX)
