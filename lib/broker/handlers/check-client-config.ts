import { handler, ResponseError } from '../../net/handler.ts'
import { decodeCheckClient } from '../../protocol/bodies/heartbeat.ts'
import { checkClientConfig } from '../../protocol/commands/check-client-config.ts'
import { decodedBody } from './refusals.ts'

/** Tells a consumer whether its subscription can be served: by tag it always can, by other expressions not. */
export const checkClientConfigHandler = () =>
  handler(checkClientConfig, (_, { request }) => {
    if (request.body.length === 0) return {}
    const { expressionType } = decodedBody(request.body, decodeCheckClient).subscriptionData
    if (expressionType === '' || expressionType === 'TAG') return {}
    throw new ResponseError(
      'SYSTEM_ERROR',
      `The broker does not support consumer to filter message by ${expressionType}`,
    )
  })
