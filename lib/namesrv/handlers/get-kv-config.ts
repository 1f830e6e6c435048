import { handler, ResponseError } from '../../net/handler.ts'
import { getKvConfig } from '../../protocol/commands/get-kv-config.ts'
import type { KvConfig } from '../kv-config.ts'

/** Answers with the value of one key, or QUERY_NOT_FOUND. */
export const getKvConfigHandler = (kvConfig: KvConfig) =>
  handler(getKvConfig, ({ namespace, key }) => {
    const value = kvConfig.get(namespace, key)
    if (value !== undefined) return { value }
    throw new ResponseError('QUERY_NOT_FOUND', `No config item, Namespace: ${namespace} Key: ${key}`)
  })
