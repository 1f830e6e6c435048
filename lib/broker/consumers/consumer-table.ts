import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { Logger } from '../../base/logging.ts'
import { ThrottledLog } from '../../base/throttled-log.ts'
import type { ConsumerData } from '../../protocol/bodies/heartbeat.ts'
import type { SubscriptionData } from '../../protocol/bodies/subscription-data.ts'
import { CLIENT_SCAN_MS, type ClientIdentity, type Member, Membership } from '../clients.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { MAX_GROUPS } from '../groups/group-table.ts'
import { notifyMembers } from './notify-members.ts'

/** Most characters of all subscriptions; a client that invents subscriptions gets no further. */
export const MAX_SUBSCRIPTION_CHARACTERS = 64 << 20
/** What a subscription, a tag and its hash code take beside their texts, as characters. */
const OVERHEAD = 32

/** A group that has members, as they last described it. */
export interface ConsumerGroup {
  readonly name: string
  readonly consumeType: ConsumerData['consumeType']
  readonly messageModel: ConsumerData['messageModel']
  readonly consumeFromWhere: ConsumerData['consumeFromWhere']
  readonly subscriptions: ReadonlyMap<string, SubscriptionData>
}

/** What the pull path may do. */
export interface SubscriptionFinder {
  subscription(group: string, topic: string): SubscriptionData | undefined
  group(group: string): ConsumerGroup | undefined
}

/** What a consumer table needs. */
export interface ConsumerTableOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Called when the last member of a group has gone. */
  readonly onGroupGone?: (group: string) => void
  /** Default `MAX_SUBSCRIPTION_CHARACTERS`. */
  readonly maxCharacters?: number
}

interface Described extends ConsumerGroup {
  consumeType: ConsumerData['consumeType']
  messageModel: ConsumerData['messageModel']
  consumeFromWhere: ConsumerData['consumeFromWhere']
  readonly subscriptions: Map<string, SubscriptionData>
  /** Of its subscriptions. */
  characters: number
}

/**
 * Consumers that are connected. When the members or topics of a group change, every member gets
 * NOTIFY_CONSUMER_IDS_CHANGED so that it divides the queues anew.
 */
export class ConsumerTable implements SubscriptionFinder {
  readonly #config: BrokerConfig
  readonly #logger: Logger
  readonly #groups = new Map<string, Described>()
  readonly #membership: Membership
  readonly #scan: TimerHandle
  readonly #onGroupGone: (group: string) => void
  readonly #maxCharacters: number
  readonly #refusals: ThrottledLog
  #characters = 0

  constructor({ config, clock, logger, onGroupGone, maxCharacters }: ConsumerTableOptions) {
    this.#config = config
    this.#logger = logger
    this.#onGroupGone = onGroupGone ?? (() => undefined)
    this.#maxCharacters = maxCharacters ?? MAX_SUBSCRIPTION_CHARACTERS
    this.#refusals = new ThrottledLog(clock, logger)
    this.#membership = new Membership(clock, (group) => this.#left(group, true))
    this.#scan = clock.every(CLIENT_SCAN_MS, () => this.#membership.expire())
  }

  group(group: string): ConsumerGroup | undefined {
    return this.#groups.get(group)
  }

  subscription(group: string, topic: string): SubscriptionData | undefined {
    return this.#groups.get(group)?.subscriptions.get(topic)
  }

  /** Members of a group, one per connection. */
  members(group: string): Iterable<Member> {
    return this.#membership.members(group).values()
  }

  /** Client ids of a group, each once even while a client changes its connection. */
  clientIds(group: string): string[] {
    const ids = new Set<string>()
    for (const member of this.members(group)) ids.add(member.clientId)
    return [...ids]
  }

  /** Connected groups that subscribe to a topic. */
  groupsOf(topic: string): string[] {
    return [...this.#groups.values()].filter((group) => group.subscriptions.has(topic)).map((group) => group.name)
  }

  /**
   * Takes in what a heartbeat says about one group. Names have been checked. Nothing is taken in when there is no room.
   * @param notify whether this group's members want to hear of changes
   * @returns whether members or topics changed
   */
  register(client: ClientIdentity, data: ConsumerData, notify: boolean): boolean {
    const known = this.#groups.get(data.groupName)
    if (!this.#hasRoom(known, data)) {
      this.#refusals.warn({ group: data.groupName }, 'consumer group not taken in: there are too many')
      return false
    }
    const group = known ?? { ...describe(data), name: data.groupName, subscriptions: new Map(), characters: 0 }
    this.#groups.set(data.groupName, group)
    Object.assign(group, describe(data))
    const topicsChanged = updateSubscriptions(group.subscriptions, data.subscriptionDataSet)
    this.#count(group, charactersOf(group.subscriptions.values()))
    const joined = this.#membership.add(data.groupName, client)
    if (!joined && !topicsChanged) return false
    this.#logger.info(
      { group: data.groupName, clientId: client.clientId, joined, topicsChanged },
      'consumer group changed',
    )
    if (notify) this.#notify(data.groupName)
    return true
  }

  /** Takes a client out of a group at its own wish. */
  unregister(client: ClientIdentity, group: string, notify: boolean): void {
    if (this.#membership.remove(group, client.connection)) this.#left(group, notify)
  }

  stop(): void {
    this.#scan.cancel()
  }

  #hasRoom(known: Described | undefined, { subscriptionDataSet }: ConsumerData): boolean {
    if (known === undefined && this.#groups.size >= MAX_GROUPS) return false
    const others = this.#characters - (known?.characters ?? 0)
    return others + charactersOf(subscriptionDataSet) <= this.#maxCharacters
  }

  #count(group: Described, characters: number): void {
    this.#characters += characters - group.characters
    group.characters = characters
  }

  #left(group: string, notify: boolean): void {
    const remaining = this.#membership.members(group).size
    this.#logger.info({ group, remaining }, 'consumer left its group')
    if (remaining === 0) {
      const gone = this.#groups.get(group)
      if (gone !== undefined) this.#count(gone, 0)
      this.#groups.delete(group)
      this.#onGroupGone(group)
    } else if (notify) this.#notify(group)
  }

  #notify(group: string): void {
    if (this.#config.current.groups.notifyMembers) notifyMembers(group, this.#membership.members(group).keys())
  }
}

const describe = ({ consumeType, messageModel, consumeFromWhere }: ConsumerData) => ({
  consumeType,
  messageModel,
  consumeFromWhere,
})

const charactersOf = (subscriptions: Iterable<SubscriptionData>): number => {
  let characters = 0
  for (const { topic, subString, expressionType, tagsSet, codeSet } of subscriptions) {
    characters += OVERHEAD * (1 + tagsSet.length + codeSet.length)
    characters += topic.length + subString.length + expressionType.length
    for (const tag of tagsSet) characters += tag.length
  }
  return characters
}

/** Keeps the newer version of each subscription, drops those not named any more. True when the topics changed. */
const updateSubscriptions = (
  subscriptions: Map<string, SubscriptionData>,
  named: readonly SubscriptionData[],
): boolean => {
  let changed = false
  const topics = new Set<string>()
  for (const subscription of named) {
    topics.add(subscription.topic)
    const before = subscriptions.get(subscription.topic)
    if (before === undefined) changed = true
    if (before === undefined || subscription.subVersion > before.subVersion) {
      subscriptions.set(subscription.topic, subscription)
    }
  }
  for (const topic of [...subscriptions.keys()]) {
    if (topics.has(topic)) continue
    subscriptions.delete(topic)
    changed = true
  }
  return changed
}
