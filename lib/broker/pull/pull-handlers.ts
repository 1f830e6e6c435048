import { type Handler, handler } from '../../net/handler.ts'
import { litePullMessage } from '../../protocol/commands/lite-pull-message.ts'
import { pullMessage } from '../../protocol/commands/pull-message.ts'
import { toSafeInteger } from '../../protocol/int64.ts'
import { isOneway } from '../../protocol/remoting-command.ts'
import type { PullService } from './pull-service.ts'

/** PULL_MESSAGE and LITE_PULL_MESSAGE in any header encoding; the service answers by itself. */
export const pullHandlers = (service: PullService): Handler[] =>
  [pullMessage, litePullMessage].map((command) =>
    handler(command, (header, { connection, request }) => {
      service.pull({
        connection,
        opaque: request.opaque,
        serializeType: request.serializeType,
        oneway: isOneway(request),
        group: header.consumerGroup,
        topic: header.topic,
        queueId: header.queueId,
        queueOffset: toSafeInteger(header.queueOffset),
        maxMessages: header.maxMsgNums,
        sysFlag: header.sysFlag,
        commitOffset: header.commitOffset,
        suspendTimeoutMs: header.suspendTimeoutMillis,
        subVersion: header.subVersion,
        subscription: header.subscription,
        expressionType: header.expressionType,
      })
      return undefined
    }),
  )
