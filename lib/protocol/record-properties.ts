import { MAGIC_V2 } from './message-codec.ts'
import { MessageSysFlag } from './sys-flags.ts'

const SYS_FLAG_AT = 36
/** Up to the address of the born host. */
const BORN_HOST_AT = 48
/** Both ports, the store time, how often it was consumed, and the offset of the half message. */
const BETWEEN_HOSTS_AND_BODY = 4 + 8 + 4 + 4 + 8

/**
 * Where the property text of a whole stored record starts, from the record's start on. Its size stands in the two bytes
 * before it, see {@link propertiesEnd}.
 */
export const propertiesStart = (buffer: Buffer, recordStart: number): number => {
  const sysFlag = buffer.readInt32BE(recordStart + SYS_FLAG_AT)
  const bornLength = (sysFlag & MessageSysFlag.BORN_HOST_V6) === 0 ? 4 : 16
  const storeLength = (sysFlag & MessageSysFlag.STORE_HOST_V6) === 0 ? 4 : 16
  const bodyAt = recordStart + BORN_HOST_AT + bornLength + storeLength + BETWEEN_HOSTS_AND_BODY + 4
  const topicLengthAt = bodyAt + buffer.readInt32BE(bodyAt - 4)
  const isV2 = buffer.readInt32BE(recordStart + 4) === MAGIC_V2
  const topicEnd = isV2
    ? topicLengthAt + 2 + buffer.readUInt16BE(topicLengthAt)
    : topicLengthAt + 1 + buffer.readUInt8(topicLengthAt)
  return topicEnd + 2
}

/** Where a property text that starts at `start` ends. */
export const propertiesEnd = (buffer: Buffer, start: number): number => start + buffer.readInt16BE(start - 2)
