import { FilterError, javaTrim, PropertySlots, type SqlFilter } from '../../filter/index.ts'
import { ResponseError } from '../../net/handler.ts'
import { isTagType } from '../../protocol/bodies/subscription-data.ts'
import { javaStringHash } from '../../protocol/java-string-hash.ts'
import { groupOfTopic, isRetryTopic } from '../../protocol/names.ts'
import { PropertyName } from '../../protocol/property-names.ts'
import { propertiesEnd, propertiesStart } from '../../protocol/record-properties.ts'
import { PullSysFlag } from '../../protocol/sys-flags.ts'
import type { FilterBits } from '../../store/filter-bits.ts'
import type { FilterFinder, RegisteredFilter } from '../filters/consumer-filters.ts'
import type { PullGroupConfig, PullSources } from './pull-check.ts'
import type { PullRequest } from './pull-request.ts'

/** What the pull path reads of a subscription. */
export interface PullSubscription {
  readonly subString: string
  readonly codeSet: readonly number[]
  readonly subVersion: number
  readonly expressionType?: string | undefined
  /** A filter server looks at the messages, not the broker. */
  readonly classFilterMode?: boolean | undefined
}

/** What the pull path asks about filters. */
export interface PullFilters extends FilterFinder {
  /** Whether SQL92 filters may be used. */
  readonly byProperties: () => boolean
  /** Whether they hold for the messages of retry topics. */
  readonly retries: () => boolean
  /** @throws {FilterError} */
  readonly compile: (expression: string) => SqlFilter
}

/**
 * Whether the record that starts there may be sent. Called once for each record, in their order, and remembers nothing.
 */
export type RecordFilter = (records: Buffer, recordStart: number) => boolean

/** Which messages of a queue a pull is for. */
export interface PullFilter {
  /** Undefined passes every tag. */
  readonly tagCodes: Int32Array | undefined
  /** Undefined passes every record that has one of the tags. */
  readonly accepts: RecordFilter | undefined
  /** Queue entries without these bits have no record that it accepts. */
  readonly bits?: FilterBits | undefined
}

const SUBSCRIBE_ALL = '*'
const SQL_TYPE = 'SQL92'
const EVERYTHING: PullFilter = { tagCodes: undefined, accepts: undefined }
const EVERY_TAG: PullSubscription = { subString: SUBSCRIBE_ALL, codeSet: [], subVersion: 0 }
/** Of subscriptions that heartbeats told. */
const filterOf = new WeakMap<readonly number[], PullFilter>()

/**
 * The filter of a pull: from the subscription that it carries, or the one that its group's heartbeats told.
 * @throws {ResponseError} in Java's order and words
 */
export const pullFilter = (request: PullRequest, group: PullGroupConfig, sources: PullSources): PullFilter => {
  const isCarried = (request.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
  const subscription = isCarried ? carriedSubscription(request) : knownSubscription(request, group, sources)
  const { expressionType } = subscription
  const { filters } = sources
  const ofRetries = isRetryTopic(request.topic) && filters.retries() ? retryFilter(request.topic, filters) : undefined
  if (subscription.classFilterMode === true) return EVERYTHING
  if (isTagType(expressionType)) return tagFilter(subscription, ofRetries)
  const registered = isCarried ? undefined : registeredFilter(request, filters)
  if (!filters.byProperties()) throw filterRefused(expressionType!)
  const compiled = registered?.compiled ?? compiledFilter(subscription, filters)
  if (ofRetries !== undefined) return { tagCodes: undefined, accepts: ofRetries }
  const accepts: RecordFilter = (records, start) => passes(compiled, records, start)
  return { tagCodes: undefined, accepts, bits: registered?.bits }
}

/** The answer to a consumer that asks for a filter which is switched off here. */
export const filterRefused = (expressionType: string): ResponseError =>
  new ResponseError('SYSTEM_ERROR', `The broker does not support consumer to filter message by ${expressionType}`)

const passes = (filter: SqlFilter, records: Buffer, recordStart: number): boolean => {
  const start = propertiesStart(records, recordStart)
  return filter.matches(records, start, propertiesEnd(records, start))
}

/** Messages of a retry topic pass by the filter that the group has on the topic where they were sent to. */
const retryFilter = (retryTopic: string, filters: PullFilters): RecordFilter => {
  const group = groupOfTopic(retryTopic)!
  const property = new PropertySlots([PropertyName.RETRY_TOPIC])
  return (records, recordStart) => {
    const start = propertiesStart(records, recordStart)
    property.find(records, start, propertiesEnd(records, start))
    const topic = property.text(0)
    const filter = topic === undefined ? undefined : filters.find(topic, group)
    return filter === undefined || passes(filter.compiled, records, recordStart)
  }
}

const tagFilter = ({ subString, codeSet }: PullSubscription, accepts: RecordFilter | undefined): PullFilter => {
  if (subString === SUBSCRIBE_ALL) return accepts === undefined ? EVERYTHING : { tagCodes: undefined, accepts }
  // To the store no codes are all of them.
  if (codeSet.length === 0) return { tagCodes: undefined, accepts: () => false }
  let filter = filterOf.get(codeSet)
  if (filter === undefined) {
    filter = { tagCodes: Int32Array.from(codeSet), accepts: undefined }
    filterOf.set(codeSet, filter)
  }
  return accepts === undefined ? filter : { ...filter, accepts }
}

const parseFailed = (cause?: unknown): ResponseError =>
  new ResponseError('SUBSCRIPTION_PARSE_FAILED', "parse the consumer's subscription failed", { cause })

const carriedSubscription = ({ subscription, expressionType, subVersion }: PullRequest): PullSubscription => {
  if (isTagType(expressionType)) {
    if (subscription === undefined || isEveryTag(subscription)) return EVERY_TAG
    return { expressionType, subVersion, ...parseTagExpression(subscription) }
  }
  if (subscription === undefined || subscription === '') throw parseFailed()
  return { expressionType, subVersion, subString: subscription, codeSet: [] }
}

const compiledFilter = ({ expressionType, subString }: PullSubscription, filters: PullFilters): SqlFilter => {
  if (expressionType !== SQL_TYPE) throw parseFailed()
  try {
    return filters.compile(subString)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    throw parseFailed(error)
  }
}

const registeredFilter = ({ topic, group, subVersion }: PullRequest, filters: PullFilters): RegisteredFilter => {
  const filter = filters.find(topic, group)
  if (filter === undefined) {
    const remark = "The broker's consumer filter data is not exist!Your expression may be wrong!"
    throw new ResponseError('FILTER_DATA_NOT_EXIST', remark)
  }
  if (filter.data.clientVersion < subVersion) {
    throw new ResponseError('FILTER_DATA_NOT_LATEST', "the consumer's consumer filter data not latest")
  }
  return filter
}

const knownSubscription = (request: PullRequest, config: PullGroupConfig, sources: PullSources): PullSubscription => {
  const group = sources.consumers.group(request.group)
  if (group === undefined) throw new ResponseError('SUBSCRIPTION_NOT_EXIST', "the consumer's group info not exist")
  if (!config.consumeBroadcastEnable && group.messageModel === 'BROADCASTING') {
    const remark = `the consumer group[${request.group}] can not consume by broadcast way`
    throw new ResponseError('NO_PERMISSION', remark)
  }
  const subscription = sources.consumers.subscription(request.group, request.topic)
  if (subscription === undefined) {
    throw new ResponseError('SUBSCRIPTION_NOT_EXIST', "the consumer's subscription not exist")
  }
  if (subscription.subVersion < request.subVersion) {
    throw new ResponseError('SUBSCRIPTION_NOT_LATEST', "the consumer's subscription not latest")
  }
  return subscription
}

const isEveryTag = (text: string): boolean => text === '' || text === SUBSCRIBE_ALL

/**
 * Reads a tag expression as it travels in a pull request: nothing or `*` is everything, else tags joined by `||`.
 * @throws {ResponseError} `SUBSCRIPTION_PARSE_FAILED`
 */
export const parseTagExpression = (text: string | undefined): { subString: string; codeSet: number[] } => {
  if (text === undefined || isEveryTag(text)) return { subString: SUBSCRIBE_ALL, codeSet: [] }
  const parts = text.split('||')
  if (parts.every((part) => part === '')) throw parseFailed()
  // Of blanks alone no tag is left, and nothing passes.
  const tags = parts.map(javaTrim).filter((tag) => tag !== '')
  return { subString: text, codeSet: tags.map(javaStringHash) }
}
