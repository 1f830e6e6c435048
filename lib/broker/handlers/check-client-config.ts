import { FilterError } from '../../filter/index.ts'
import { handler, ResponseError } from '../../net/handler.ts'
import { decodeCheckClient } from '../../protocol/bodies/heartbeat.ts'
import { isTagType } from '../../protocol/bodies/subscription-data.ts'
import { checkClientConfig } from '../../protocol/commands/check-client-config.ts'
import type { PullFilters } from '../pull/pull-filter.ts'
import { filterRefused } from '../pull/pull-filter.ts'
import { decodedBody } from './refusals.ts'

/** Tells a consumer whether its subscription can be served. */
export const checkClientConfigHandler = (filters: Pick<PullFilters, 'byProperties' | 'compile'>) =>
  handler(checkClientConfig, (_, { request }) => {
    if (request.body.length === 0) return {}
    const { expressionType, subString } = decodedBody(request.body, decodeCheckClient).subscriptionData
    if (isTagType(expressionType)) return {}
    if (!filters.byProperties()) throw filterRefused(expressionType)
    if (expressionType !== 'SQL92') {
      throw new ResponseError('SUBSCRIPTION_PARSE_FAILED', `messages cannot be filtered by ${expressionType}`)
    }
    try {
      filters.compile(subString)
    } catch (error) {
      if (!(error instanceof FilterError)) throw error
      throw new ResponseError('SUBSCRIPTION_PARSE_FAILED', error.message, { cause: error })
    }
    return {}
  })
