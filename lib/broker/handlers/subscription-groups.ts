import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import {
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupList,
  encodeSubscriptionGroupConfig,
  type SubscriptionGroupConfig,
} from '../../protocol/bodies/subscription-group.ts'
import { deleteSubscriptionGroup } from '../../protocol/commands/delete-subscription-group.ts'
import { getSubscriptionGroupConfig } from '../../protocol/commands/get-subscription-group-config.ts'
import { updateAndCreateSubscriptionGroup } from '../../protocol/commands/update-and-create-subscription-group.ts'
import { updateAndCreateSubscriptionGroupList } from '../../protocol/commands/update-and-create-subscription-group-list.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { checkGroupName, decodedBody, orRefuse, refuseOnSlave } from './refusals.ts'

/** What making, changing and deleting groups needs. */
export interface GroupEditor {
  /** Without making it. */
  get(group: string): SubscriptionGroupConfig | undefined
  update(group: SubscriptionGroupConfig): void
  delete(group: string): boolean
  /** Resolves when the table is on the device. */
  flush(): Promise<void>
}

interface GroupOffsets {
  removeGroup(group: string): void
}

interface GroupCounters {
  forgetGroup(group: string): void
}

const updateHandler = (groups: GroupEditor, config: BrokerConfig) =>
  handler(updateAndCreateSubscriptionGroup, async (_, { request }) => {
    refuseOnSlave(config)
    const group = decodedBody(request.body, decodeSubscriptionGroupConfig)
    orRefuse(() => groups.update(group))
    await groups.flush()
    return {}
  })

/** All of them, or none when one has no valid name. */
const updateListHandler = (groups: GroupEditor, config: BrokerConfig) =>
  handler(updateAndCreateSubscriptionGroupList, async (_, { request }) => {
    refuseOnSlave(config)
    const wanted = decodedBody(request.body, decodeSubscriptionGroupList)
    for (const { groupName } of wanted) checkGroupName(groupName)
    for (const group of wanted) orRefuse(() => groups.update(group))
    await groups.flush()
    return {}
  })

const deleteHandler = (groups: GroupEditor, offsets: GroupOffsets, traffic: GroupCounters, config: BrokerConfig) =>
  handler(deleteSubscriptionGroup, async ({ groupName, removeOffset, cleanOffset }) => {
    refuseOnSlave(config)
    groups.delete(groupName)
    traffic.forgetGroup(groupName)
    if (removeOffset || cleanOffset) offsets.removeGroup(groupName)
    await groups.flush()
    return {}
  })

const getHandler = (groups: GroupEditor) =>
  handler(getSubscriptionGroupConfig, ({ group }) => {
    const config = groups.get(group)
    if (config === undefined) {
      throw new ResponseError('SUBSCRIPTION_GROUP_NOT_EXIST', `No group in this broker, group: ${group}`)
    }
    return reply({}, { body: encodeSubscriptionGroupConfig(config) })
  })

/** Makes, changes, deletes and shows settings of groups: codes 200, 225, 207 and 352. */
export const subscriptionGroupHandlers = (
  groups: GroupEditor,
  offsets: GroupOffsets,
  traffic: GroupCounters,
  config: BrokerConfig,
): Handler[] => [
  updateHandler(groups, config),
  updateListHandler(groups, config),
  deleteHandler(groups, offsets, traffic, config),
  getHandler(groups),
]
