import { bool, command, int32, int64, optional, resourceName } from '../command.ts'

/** 222: moves a connected group to a time in ms. */
export const invokeBrokerToResetOffset = command({
  code: 222,
  name: 'INVOKE_BROKER_TO_RESET_OFFSET',
  request: {
    topic: resourceName,
    group: resourceName,
    timestamp: int64,
    isForce: bool,
    queueId: optional(int32),
    offset: optional(int64),
  },
})
