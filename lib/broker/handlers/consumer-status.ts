import { errorText } from '../../base/errors.ts'
import type { Logger } from '../../base/logging.ts'
import { handler, ResponseError, reply } from '../../net/handler.ts'
import type { MessageQueue } from '../../protocol/bodies/message-queue.ts'
import { decodeConsumerStatus, encodeConsumerStatus } from '../../protocol/bodies/reset-offset.ts'
import { encodeHeader } from '../../protocol/command.ts'
import { getConsumerStatusFromClient } from '../../protocol/commands/get-consumer-status-from-client.ts'
import { invokeBrokerToGetConsumerStatus } from '../../protocol/commands/invoke-broker-to-get-consumer-status.ts'
import { ResponseCode } from '../../protocol/response-codes.ts'
import type { Member } from '../clients.ts'
import { checkOffsetCalls, checkReads, type GroupMembers } from '../consumers/client-calls.ts'

const ASK_TIMEOUT_MS = 5000
/** What members answer is held until all have; more would not fit into one frame. */
const MAX_ANSWERS_BYTES = 12 * 1024 * 1024

/** Room that the members asked together have left. */
interface Room {
  bytes: number
}

/** What one client answers; undefined when it does not, or not with success. */
const askMember = async (
  member: Member,
  { topic, group }: { readonly topic: string; readonly group: string },
  room: Room,
  logger: Logger,
): Promise<ReadonlyMap<MessageQueue, number> | undefined> => {
  const { code, request } = getConsumerStatusFromClient
  const { connection, clientId } = member
  try {
    checkReads(member)
    const answer = await connection.request(
      { code, extFields: encodeHeader(request, { topic, group }) },
      ASK_TIMEOUT_MS,
    )
    if (answer.code !== ResponseCode.SUCCESS || answer.body.length === 0) return undefined
    if (answer.body.length > room.bytes) {
      throw new ResponseError('SYSTEM_ERROR', `all answers together have more than ${MAX_ANSWERS_BYTES} bytes`)
    }
    room.bytes -= answer.body.length
    return decodeConsumerStatus(answer.body).messageQueueTable
  } catch (error) {
    logger.warn({ topic, group, clientId, reason: errorText(error) }, 'a consumer did not tell its status')
    return undefined
  }
}

/** Which offsets the members of a group have reached, or the one that is named; members that do not answer are left out. */
export const consumerStatusHandler = (consumers: GroupMembers, logger: Logger) =>
  handler(invokeBrokerToGetConsumerStatus, async ({ topic, group, clientAddr = '' }) => {
    const all = [...consumers.members(group)]
    if (all.length === 0) {
      throw new ResponseError('SYSTEM_ERROR', `No Any Consumer online in the consumer group: [${group}]`)
    }
    const asked = clientAddr.trim() === '' ? all : all.filter(({ clientId }) => clientId === clientAddr)
    checkOffsetCalls(asked)
    const room: Room = { bytes: MAX_ANSWERS_BYTES }
    const answers = await Promise.all(
      asked.map(async (member) => [member.clientId, await askMember(member, { topic, group }, room, logger)] as const),
    )
    const consumerTable = new Map<string, ReadonlyMap<MessageQueue, number>>()
    for (const [clientId, table] of answers) if (table !== undefined) consumerTable.set(clientId, table)
    return reply({}, { body: encodeConsumerStatus({ messageQueueTable: new Map(), consumerTable }) })
  })
