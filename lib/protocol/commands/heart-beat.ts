import { bool, command, optional } from '../command.ts'

/** 34: tells a broker which groups a client is in; the body is HeartbeatData. */
export const heartBeat = command({
  code: 34,
  name: 'HEART_BEAT',
  response: { IS_SUPPORT_HEART_BEAT_V2: optional(bool), IS_SUB_CHANGE: optional(bool) },
})
