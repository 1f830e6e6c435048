import { type Handler, type RequestContext, ResponseError } from '../../net/handler.ts'
import { decodeHeader } from '../../protocol/command.ts'
import { consumeMessageDirectly } from '../../protocol/commands/consume-message-directly.ts'
import { getConsumerRunningInfo } from '../../protocol/commands/get-consumer-running-info.ts'
import { decodeOffsetMessageId } from '../../protocol/message-ids.ts'
import type { RemotingCommand } from '../../protocol/remoting-command.ts'
import type { MessageStore } from '../../store/message-store.ts'
import { type GroupMembers, relayToConsumer } from '../consumers/client-calls.ts'
import { orRefuse } from './refusals.ts'

type RecordReader = Pick<MessageStore, 'readRecord' | 'readRecordAhead'>

/** What the client answered, on its way to who asked. */
const relayed = ({ code, remark, extFields, body }: RemotingCommand) => ({
  code,
  extFields,
  ...(remark === undefined ? {} : { remark }),
  ...(body.length > 0 ? { body } : {}),
})

const runningInfoHandler = (consumers: GroupMembers): Handler => ({
  command: getConsumerRunningInfo,
  async answer({ request }: RequestContext) {
    const { consumerGroup, clientId } = decodeHeader(getConsumerRunningInfo.request, request.extFields)
    return relayed(await relayToConsumer(consumers, consumerGroup, clientId, request))
  },
})

/** The record that a message id names. @throws {ResponseError} */
const recordOf = async (store: RecordReader, msgId: string): Promise<Buffer> => {
  const { physicalOffset } = orRefuse(() => decodeOffsetMessageId(msgId))
  const isOffset = Number.isSafeInteger(physicalOffset) && physicalOffset >= 0
  if (isOffset) await store.readRecordAhead(physicalOffset)
  const record = isOffset ? store.readRecord(physicalOffset) : undefined
  if (record !== undefined) return record
  throw new ResponseError('SYSTEM_ERROR', `can not find message by the id, ${msgId}`)
}

const consumeDirectlyHandler = (consumers: GroupMembers, store: RecordReader, brokerName: string): Handler => ({
  command: consumeMessageDirectly,
  async answer({ request }: RequestContext) {
    const header = decodeHeader(consumeMessageDirectly.request, request.extFields)
    const { consumerGroup, clientId, msgId } = header
    if (msgId === undefined || clientId === undefined) {
      throw new ResponseError('SYSTEM_ERROR', 'consumer and message must be named: clientId and msgId')
    }
    const extFields = new Map(request.extFields).set('brokerName', brokerName)
    const { code } = request
    const body = await recordOf(store, msgId)
    return relayed(await relayToConsumer(consumers, consumerGroup, clientId, { code, extFields, body }))
  },
})

/** Questions that a consumer answers and the broker only carries: codes 307 and 309. */
export const relayHandlers = (consumers: GroupMembers, store: RecordReader, brokerName: string): Handler[] => [
  runningInfoHandler(consumers),
  consumeDirectlyHandler(consumers, store, brokerName),
]
