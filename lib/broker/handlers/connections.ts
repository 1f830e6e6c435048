import { formatAddress } from '../../net/address.ts'
import { type Handler, handler, ResponseError, reply } from '../../net/handler.ts'
import {
  type ClientConnection,
  encodeConsumerConnection,
  encodeProducerConnection,
  encodeProducerTable,
} from '../../protocol/bodies/connections.ts'
import { encodeConsumerList } from '../../protocol/bodies/lists.ts'
import { getAllProducerInfo } from '../../protocol/commands/get-all-producer-info.ts'
import { getConsumerConnectionList } from '../../protocol/commands/get-consumer-connection-list.ts'
import { getConsumerListByGroup } from '../../protocol/commands/get-consumer-list-by-group.ts'
import { getProducerConnectionList } from '../../protocol/commands/get-producer-connection-list.ts'
import { languageNameOf } from '../../protocol/language-codes.ts'
import type { Member } from '../clients.ts'
import type { ConsumerGroup } from '../consumers/consumer-table.ts'

/** Consumers as these handlers see them. */
export interface ConsumerDirectory {
  group(group: string): ConsumerGroup | undefined
  members(group: string): Iterable<Member>
  clientIds(group: string): string[]
}

/** Producers as these handlers see them. */
export interface ProducerDirectory {
  groups(): Iterable<string>
  members(group: string): Member[]
}

const languageOf = ({ language }: Member): string =>
  (language === undefined ? 'OTHER' : languageNameOf(language)) ?? 'OTHER'

const connectionOf = (member: Member): ClientConnection => ({
  clientId: member.clientId,
  clientAddr: formatAddress(member.connection.remote),
  language: languageOf(member),
  version: member.version,
})

const consumerListHandler = (consumers: ConsumerDirectory) =>
  handler(getConsumerListByGroup, ({ consumerGroup }) => {
    const consumerIdList = consumers.clientIds(consumerGroup)
    if (consumerIdList.length === 0) {
      throw new ResponseError('SYSTEM_ERROR', `no consumer for this group, ${consumerGroup}`)
    }
    return reply({}, { body: encodeConsumerList({ consumerIdList }) })
  })

const consumerConnectionHandler = (consumers: ConsumerDirectory) =>
  handler(getConsumerConnectionList, ({ consumerGroup }) => {
    const group = consumers.group(consumerGroup)
    if (group === undefined) {
      throw new ResponseError('CONSUMER_NOT_ONLINE', `the consumer group[${consumerGroup}] not online`)
    }
    const { consumeType, messageModel, consumeFromWhere, subscriptions: subscriptionTable } = group
    const connectionSet = [...consumers.members(consumerGroup)].map(connectionOf)
    const body = { connectionSet, subscriptionTable, consumeType, messageModel, consumeFromWhere }
    return reply({}, { body: encodeConsumerConnection(body) })
  })

const producerConnectionHandler = (producers: ProducerDirectory) =>
  handler(getProducerConnectionList, ({ producerGroup }) => {
    const connectionSet = producers.members(producerGroup).map(connectionOf)
    if (connectionSet.length === 0) {
      throw new ResponseError('SYSTEM_ERROR', `the producer group[${producerGroup}] not exist`)
    }
    return reply({}, { body: encodeProducerConnection({ connectionSet }) })
  })

const allProducersHandler = (producers: ProducerDirectory) =>
  handler(getAllProducerInfo, () => {
    const data = new Map(
      [...producers.groups()].map((group) => [
        group,
        producers.members(group).map((member) => ({
          clientId: member.clientId,
          // Java shows what its socket address prints: a slash before an address without a name.
          remoteIP: `/${formatAddress(member.connection.remote)}`,
          language: languageOf(member),
          version: member.version,
          lastUpdateTimestamp: member.updatedAtMs,
        })),
      ]),
    )
    return reply({}, { body: encodeProducerTable({ data }) })
  })

/** Who is connected: codes 38, 203, 204 and 328. */
export const connectionHandlers = (consumers: ConsumerDirectory, producers: ProducerDirectory): Handler[] => [
  consumerListHandler(consumers),
  consumerConnectionHandler(consumers),
  producerConnectionHandler(producers),
  allProducersHandler(producers),
]
