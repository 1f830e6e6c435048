import { errorText } from '../base/errors.ts'
import type { RemotingClient } from '../net/client.ts'
import { type Handler, handler, Reply, ResponseError } from '../net/handler.ts'
import { pullMessage } from '../protocol/commands/pull-message.ts'
import { registerMessageFilterClass } from '../protocol/commands/register-message-filter-class.ts'
import { decodeRecords } from '../protocol/message-codec.ts'
import { SystemGroup } from '../protocol/names.ts'
import type { ResponseCodeName } from '../protocol/response-codes.ts'
import { ResponseCode } from '../protocol/response-codes.ts'
import { PullSysFlag } from '../protocol/sys-flags.ts'
import type { FilterClasses } from './filter-classes.ts'
import { filterMessageOf } from './filter-message.ts'
import type { FilterFunction } from './sandbox.ts'

/** What the filter server's handlers need. */
export interface FilterServerParts {
  readonly classes: FilterClasses
  readonly client: Pick<RemotingClient, 'invoke'>
  /** host:port of the broker. */
  readonly brokerAddress: string
}

/** Less than consumers wait for an answer to a pull that the broker holds. */
const MAX_SUSPEND_MS = 14_000
const PULL_TIMEOUT_MS = 5_000
/** Time that a filter may take for the messages of one pull. */
const FILTER_BUDGET_MS = 100
const NOTHING: readonly ResponseCodeName[] = ['PULL_NOT_FOUND', 'PULL_RETRY_IMMEDIATELY', 'PULL_OFFSET_MOVED']

/** REGISTER_MESSAGE_FILTER_CLASS and PULL_MESSAGE; a filter server answers nothing else. */
export const filterServerHandlers = (parts: FilterServerParts): Handler[] => [
  registerHandler(parts.classes),
  pullHandler(parts),
]

const registerHandler = (classes: FilterClasses): Handler =>
  handler(registerMessageFilterClass, ({ consumerGroup, topic, classCRC }, { request }) => {
    try {
      classes.register({ consumerGroup, topic, classCrc: classCRC, source: request.body })
    } catch (error) {
      throw new ResponseError('SYSTEM_ERROR', errorText(error), { cause: error })
    }
    return {}
  })

/** Pulls from the broker for a consumer, and gives on what passes its filter. Offsets consumers commit themselves. */
const pullHandler = ({ classes, client, brokerAddress }: FilterServerParts): Handler =>
  handler(pullMessage, async (header) => {
    const { consumerGroup, topic, queueId, queueOffset, maxMsgNums, sysFlag, suspendTimeoutMillis } = header
    if (classes.find(consumerGroup, topic) === undefined) throw notRegistered()
    const suspendMs = (sysFlag & PullSysFlag.SUSPEND) === 0 ? 0 : clamp(suspendTimeoutMillis, MAX_SUSPEND_MS)
    const forwarded = {
      ...{ consumerGroup: SystemGroup.FILTERSRV_CONSUMER, topic, queueId, queueOffset, maxMsgNums },
      sysFlag: PullSysFlag.SUBSCRIPTION | (suspendMs > 0 ? PullSysFlag.SUSPEND : 0),
      ...{ commitOffset: 0, suspendTimeoutMillis: suspendMs, subVersion: 0, subscription: '*' },
    }
    const options = { timeoutMs: PULL_TIMEOUT_MS + suspendMs, accept: NOTHING }
    const pulled = await client.invoke(brokerAddress, pullMessage, forwarded, options).catch((error: unknown) => {
      throw new ResponseError('SYSTEM_ERROR', `Pull Callback Exception, ${errorText(error)}`, { cause: error })
    })
    const code = NOTHING.find((name) => ResponseCode[name] === pulled.code)
    const bounds = { ...pulled.header, suggestWhichBrokerId: 0 }
    if (code !== undefined) return new Reply(bounds, { code })
    // Another may have come while the broker held the pull.
    const filter = classes.find(consumerGroup, topic)
    if (filter === undefined) throw notRegistered()
    const body = passing(filter, pulled.body, consumerGroup, topic)
    return new Reply(bounds, body.length === 0 ? { code: 'PULL_RETRY_IMMEDIATELY' } : { body })
  })

const clamp = (value: number, max: number): number => Math.max(0, Math.min(value, max))

const notRegistered = (): ResponseError => new ResponseError('SYSTEM_ERROR', 'Find Filter class failed, not registered')

const passing = (filter: FilterFunction, records: Buffer, consumerGroup: string, topic: string): Buffer => {
  const stored = decodeRecords(records)
  try {
    const passes = filter.matching(stored.map(filterMessageOf), consumerGroup, FILTER_BUDGET_MS)
    const kept: Buffer[] = []
    let at = 0
    for (const [index, { sizeBytes }] of stored.entries()) {
      if (passes[index]) kept.push(records.subarray(at, at + sizeBytes))
      at += sizeBytes
    }
    return Buffer.concat(kept)
  } catch (error) {
    const remark = `do Message Filter Exception, ConsumerGroup: ${consumerGroup} Topic: ${topic} ${errorText(error)}`
    throw new ResponseError('SYSTEM_ERROR', remark, { cause: error })
  }
}
