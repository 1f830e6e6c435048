import type { Clock } from '../../base/clock.ts'
import { type Handler, handler, ResponseError } from '../../net/handler.ts'
import { recallMessage } from '../../protocol/commands/recall-message.ts'
import type { HostAddress } from '../../protocol/host-address.ts'
import { isValidGroup, TIMER_TOPIC } from '../../protocol/names.ts'
import { isWriteable } from '../../protocol/permissions.ts'
import { PropertyName } from '../../protocol/properties.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { decodeRecallHandle, type RecallHandle } from '../../protocol/recall-handle.ts'
import { AppendStatus } from '../../store/status.ts'
import type { BrokerOptions } from '../config/broker-options.ts'
import type { MessageWriter } from '../messages/message-writer.ts'
import type { NewMessage } from '../messages/new-message.ts'
import { recallKey } from './recalls.ts'
import { TIMER_QUEUE_ID } from './timer-queue.ts'

const RECALL_TAG = '_RECALL_TAG_'

/** What a recall needs of the broker. */
export interface RecallParts {
  readonly clock: Clock
  readonly options: () => Pick<BrokerOptions, 'identity' | 'send' | 'timer'>
  readonly topics: { get(name: string): unknown }
  readonly writer: Pick<MessageWriter, 'write' | 'durable'>
  /** From now on the timer must not be delivered. */
  readonly onRecalled: (dueMs: number, key: string) => void
}

/**
 * 370, with the checks of 5.3.3: stores a message in the timer topic that calls another one off. Answered with success, the
 * other one is not delivered any more, if it waits under this handle; whether it does is not looked at.
 */
export const recallMessageHandler = (parts: RecallParts): Handler =>
  handler(recallMessage, async ({ producerGroup, topic, recallHandle }, { connection }) => {
    checkState(parts)
    if (parts.topics.get(topic) === undefined) {
      throw new ResponseError('TOPIC_NOT_EXIST', `recall failed, the topic[${topic}] not exist`)
    }
    const handle = checkedHandle(recallHandle, topic, parts)
    const { address: _, bytes, port } = connection.remote
    const message = recallOf(handle, producerGroup, { bytes, port }, parts.clock.nowMs())
    const { status, endOffset } = parts.writer.write(message)
    if (status !== AppendStatus.OK) throw executeError()
    parts.onRecalled(Number(handle.timestamp), recallKey(handle.topic, handle.messageId))
    const { kind } = await parts.writer.durable(endOffset)
    if (kind === 'failed') throw executeError()
    return { msgId: handle.messageId, MSG_REGION: parts.options().identity.regionId }
  })

const executeError = (): ResponseError => new ResponseError('SYSTEM_ERROR', 'recall failed, execute error')

const checkState = ({ clock, options }: RecallParts): void => {
  const { identity, send, timer } = options()
  if (!timer.recallEnabled) throw new ResponseError('NO_PERMISSION', 'recall failed, operation is forbidden')
  if (identity.role === 'SLAVE') {
    throw new ResponseError('SLAVE_NOT_AVAILABLE', 'recall failed, broker service not available')
  }
  const isClosed = !isWriteable(identity.permission) && !timer.recallWhenNotWritable
  if (isClosed || clock.nowMs() < send.acceptFromMs) {
    throw new ResponseError('SERVICE_NOT_AVAILABLE', 'recall failed, broker service not available')
  }
  if (!timer.enabled) throw executeError()
}

const checkedHandle = (text: string, topic: string, { clock, options }: RecallParts): RecallHandle => {
  const { identity, timer } = options()
  const handle = decoded(text)
  if (handle.topic !== topic) throw new ResponseError('ILLEGAL_OPERATION', 'recall failed, topic not match')
  if (handle.brokerName !== identity.brokerName) {
    throw new ResponseError('ILLEGAL_OPERATION', 'recall failed, broker service not available')
  }
  const leftMs = /^\d{1,16}$/.test(handle.timestamp) ? Number(handle.timestamp) - clock.nowMs() : -1
  if (!(leftMs > 0 && leftMs <= timer.maxDelayMs)) {
    throw new ResponseError('ILLEGAL_OPERATION', 'recall failed, timestamp invalid')
  }
  return handle
}

const decoded = (text: string): RecallHandle => {
  try {
    return decodeRecallHandle(text)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ResponseError('ILLEGAL_OPERATION', error.message, { cause: error })
  }
}

/** The message that calls another one off. */
const recallOf = (
  { topic, timestamp, messageId }: RecallHandle,
  producerGroup: string | undefined,
  bornHost: HostAddress,
  nowMs: number,
): NewMessage => {
  const properties = new Map<string, string>([
    [PropertyName.TAGS, RECALL_TAG],
    [PropertyName.TIMER_DEL_UNIQKEY, recallKey(topic, messageId)],
    [PropertyName.UNIQ_KEY, messageId],
    [PropertyName.TIMER_DELIVER_MS, timestamp],
    [PropertyName.BORN_TIMESTAMP, String(nowMs)],
    [PropertyName.TIMER_OUT_MS, String(Number(timestamp) - 1)],
    [PropertyName.REAL_TOPIC, topic],
    [PropertyName.REAL_QUEUE_ID, '0'],
  ])
  if (producerGroup !== undefined && isValidGroup(producerGroup)) {
    properties.set(PropertyName.PRODUCER_GROUP, producerGroup)
  }
  return {
    topic: TIMER_TOPIC,
    queueId: TIMER_QUEUE_ID,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: nowMs,
    bornHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from('0'),
    properties,
  }
}
