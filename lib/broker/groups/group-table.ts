import { join } from 'node:path'
import { readWithBackup } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import { ApogeeError } from '../../base/errors.ts'
import type { JavaJsonObject } from '../../base/java-json.ts'
import type { Logger } from '../../base/logging.ts'
import { type DataVersion, nextDataVersion } from '../../protocol/bodies/data-version.ts'
import {
  decodeSubscriptionGroupWrapper,
  encodeSubscriptionGroupWrapper,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
} from '../../protocol/bodies/subscription-group.ts'
import { isSystemGroup, MAX_TOPIC_LENGTH, PRESET_GROUPS, validateGroup } from '../../protocol/names.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { StateFile } from '../state-file.ts'

/** More groups than a broker serves well; a client that invents names gets no further. */
export const MAX_GROUPS = 100_000

/** A group that cannot be made or changed as asked. Not retryable. */
export class GroupError extends ApogeeError {}

/** Why `group` cannot be a group here; undefined when it can. A group name is part of topic names and no longer. */
export const groupNameFault = (group: string): string | undefined =>
  validateGroup(group) ??
  (group.length > MAX_TOPIC_LENGTH
    ? `the specified group is longer than group max length ${MAX_TOPIC_LENGTH}.`
    : undefined)

/** What the pull path may do. */
export interface GroupFinder {
  find(group: string): SubscriptionGroupConfig | undefined
  /** Grows with every change: what was looked up before may be out of date. */
  readonly version: number
}

/** What a group table needs. */
export interface GroupTableOptions {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** All consumer groups of a broker, kept in `config/subscriptionGroup.json`. */
export class SubscriptionGroupTable implements GroupFinder {
  readonly #options: GroupTableOptions
  readonly #groups = new Map<string, SubscriptionGroupConfig>()
  readonly #file: StateFile
  /** What another version wrote into the file beside the groups. */
  #others: JavaJsonObject | undefined
  #dataVersion: DataVersion
  #version = 0

  private constructor(options: GroupTableOptions) {
    this.#options = options
    this.#dataVersion = { timestamp: options.clock.nowMs(), counter: 0 }
    for (const name of PRESET_GROUPS) this.#groups.set(name, subscriptionGroupConfig(name))
    const path = join(options.config.current.store.configDir, 'subscriptionGroup.json')
    this.#file = new StateFile({ ...options, path, encode: () => this.encode(true) })
  }

  /**
   * Reads subscriptionGroup.json, or its previous generation. What the file says goes before the preset groups.
   * @throws {FileError} `FILE_UNREADABLE`
   */
  static async load(options: GroupTableOptions): Promise<SubscriptionGroupTable> {
    const table = new SubscriptionGroupTable(options)
    const path = join(options.config.current.store.configDir, 'subscriptionGroup.json')
    const stored = await readWithBackup(path, decodeSubscriptionGroupWrapper)
    if (stored !== undefined) {
      for (const [name, group] of stored.subscriptionGroupTable) table.#groups.set(name, { ...group, groupName: name })
      table.#dataVersion = stored.dataVersion
      table.#others = stored.others
    }
    return table
  }

  get version(): number {
    return this.#version
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion
  }

  get size(): number {
    return this.#groups.size
  }

  all(): Iterable<SubscriptionGroupConfig> {
    return this.#groups.values()
  }

  /** The table as JSON, as subscriptionGroup.json holds it (pretty) and code 201 answers it. */
  encode(pretty: boolean): Buffer {
    const others = this.#others === undefined ? {} : { others: this.#others }
    const wrapper = { dataVersion: this.#dataVersion, subscriptionGroupTable: this.#groups, ...others }
    return encodeSubscriptionGroupWrapper(wrapper, pretty)
  }

  /** A group's settings, without making it. */
  get(group: string): SubscriptionGroupConfig | undefined {
    return this.#groups.get(group)
  }

  /** A group's settings; an unknown group is made when that is enabled and its name is valid. */
  find(group: string): SubscriptionGroupConfig | undefined {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    if (!this.#options.config.current.groups.autoCreate && !isSystemGroup(group)) return undefined
    if (this.#groups.size >= MAX_GROUPS || groupNameFault(group) !== undefined) return undefined
    const created = subscriptionGroupConfig(group)
    this.#put(created)
    return created
  }

  /**
   * Makes or replaces a group as an administrator says.
   * @throws {GroupError} `GROUP_INVALID`, `GROUPS_FULL`
   */
  update(group: SubscriptionGroupConfig): void {
    const wrong = groupNameFault(group.groupName)
    if (wrong !== undefined) throw new GroupError('GROUP_INVALID', wrong)
    if (this.#groups.size >= MAX_GROUPS && !this.#groups.has(group.groupName)) {
      throw new GroupError('GROUPS_FULL', `the broker already has ${MAX_GROUPS} groups`)
    }
    this.#put(group)
  }

  /** Forgets a group. False when there is none. */
  delete(group: string): boolean {
    if (!this.#groups.delete(group)) return false
    this.#options.logger.info({ group }, 'group deleted')
    this.#changed()
    return true
  }

  /** Resolves when every change so far is on the device. */
  flush(): Promise<void> {
    return this.#file.flush()
  }

  stop(): Promise<void> {
    return this.#file.stop()
  }

  #put(group: SubscriptionGroupConfig): void {
    const before = this.#groups.get(group.groupName)
    this.#groups.set(group.groupName, group)
    this.#options.logger.info({ group, before }, before === undefined ? 'group created' : 'group changed')
    this.#changed()
  }

  #changed(): void {
    this.#version += 1
    this.#dataVersion = nextDataVersion(this.#dataVersion, this.#options.clock.nowMs())
    this.#file.changed()
  }
}
