import { ApogeeError } from '../../base/errors.ts'
import { ResponseError } from '../../net/handler.ts'
import { validateGroup, validateTopic } from '../../protocol/names.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { groupNameFault } from '../groups/group-table.ts'

/** @throws {ResponseError} when the broker is a slave: its tables are copies of the master's */
export const refuseOnSlave = (config: BrokerConfig): void => {
  if (config.current.identity.role !== 'SLAVE') return
  throw new ResponseError(
    'SYSTEM_ERROR',
    "Can't modify topic or subscription group from slave broker, please execute it from master broker.",
  )
}

/** @throws {ResponseError} in Java's words when the name is no topic name */
export const checkTopicName = (topic: string): void => {
  const wrong = validateTopic(topic)
  if (wrong !== undefined) throw new ResponseError('SYSTEM_ERROR', wrong)
}

/** @throws {ResponseError} when the name is no group name */
export const checkGroupName = (group: string): void => {
  const wrong = groupNameFault(group)
  if (wrong !== undefined) throw new ResponseError('SYSTEM_ERROR', wrong)
}

/** A producer group is part of no topic name and may be longer. @throws {ResponseError} when the name is no group name */
export const checkProducerGroupName = (group: string): void => {
  const wrong = validateGroup(group)
  if (wrong !== undefined) throw new ResponseError('SYSTEM_ERROR', wrong)
}

/** Runs a change that tables may refuse; what they refuse becomes the answer instead of a fault of the handler. */
export const orRefuse = <T>(change: () => T): T => {
  try {
    return change()
  } catch (error) {
    if (!(error instanceof ApogeeError)) throw error
    throw new ResponseError('SYSTEM_ERROR', error.message, { cause: error })
  }
}

/** A request body, decoded; one that cannot be is answered, not logged as a fault of the handler. */
export const decodedBody = <T>(body: Buffer, decode: (body: Buffer) => T): T => orRefuse(() => decode(body))
