import { errorText } from '../../base/errors.ts'
import type { Connection } from '../../net/connection.ts'
import { ResponseError } from '../../net/handler.ts'
import { DEFAULT_LIMITS } from '../../net/limits.ts'
import { NetError } from '../../net/net-error.ts'
import type { RemotingCommand } from '../../protocol/remoting-command.ts'
import type { Member } from '../clients.ts'

/** How long a client may take to answer what is relayed to it. */
export const CLIENT_CALL_TIMEOUT_MS = 10_000
/** Bytes a client has not read above which nothing more is kept for it: its connection is soon given up. */
export const MAX_CLIENT_BACKLOG_BYTES = DEFAULT_LIMITS.backlogCloseBytes
/** Version ordinals from which clients know what the broker asks: V3_0_7_SNAPSHOT for offsets, V3_1_8_SNAPSHOT for the rest. */
export const OFFSET_CALLS_SINCE = 28
export const RELAYS_SINCE = 62

/** Who is in a group. */
export interface GroupMembers {
  members(group: string): Iterable<Member>
}

/** A request to be passed on as it is. */
export interface Relayed {
  readonly code: number
  readonly extFields: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** The newest connection of a client in a group. */
const findMember = (consumers: GroupMembers, group: string, clientId: string): Member | undefined => {
  let found: Member | undefined
  for (const member of consumers.members(group)) {
    if (member.clientId === clientId && (found === undefined || member.seenAtMs >= found.seenAtMs)) found = member
  }
  return found
}

/** @throws {ResponseError} when a client does not read what it is sent */
export const checkReads = ({ connection, clientId }: { connection: Connection; clientId: string }): void => {
  const { backlogBytes } = connection
  if (backlogBytes <= MAX_CLIENT_BACKLOG_BYTES) return
  throw new ResponseError(
    'SYSTEM_ERROR',
    `the client <${clientId}> has not read ${backlogBytes} bytes that it was sent`,
  )
}

/**
 * Passes a request on to one consumer and gives its answer back unread.
 * @throws {ResponseError} when the consumer is not there, too old, silent for 10 s, not reading or gone before its answer
 */
export const relayToConsumer = async (
  consumers: GroupMembers,
  group: string,
  clientId: string,
  { code, extFields, body }: Relayed,
): Promise<RemotingCommand> => {
  const member = findMember(consumers, group, clientId)
  if (member === undefined) {
    throw new ResponseError('SYSTEM_ERROR', `The Consumer <${group}> <${clientId}> not online`)
  }
  if (member.version < RELAYS_SINCE) {
    throw new ResponseError(
      'SYSTEM_ERROR',
      `The Consumer <${clientId}> Version <${member.version}> too low to finish, please upgrade it to V3_1_8_SNAPSHOT`,
    )
  }
  checkReads(member)
  try {
    const request = { code, extFields, ...(body.length > 0 ? { body } : {}) }
    return await member.connection.request(request, CLIENT_CALL_TIMEOUT_MS)
  } catch (cause) {
    const timedOut = cause instanceof NetError && cause.code === 'NET_TIMEOUT'
    const what = timedOut
      ? `consumer <${group}> <${clientId}> Timeout: ${errorText(cause)}`
      : `invoke consumer <${group}> <${clientId}> Exception: ${errorText(cause)}`
    throw new ResponseError(timedOut ? 'CONSUME_MSG_TIMEOUT' : 'SYSTEM_ERROR', what, { cause })
  }
}

/** @throws {ResponseError} when a member is too old to be told or asked about offsets */
export const checkOffsetCalls = (members: readonly Member[]): void => {
  const old = members.find(({ version }) => version < OFFSET_CALLS_SINCE)
  if (old === undefined) return
  throw new ResponseError('SYSTEM_ERROR', `the client does not support this feature. version=${old.version}`)
}
