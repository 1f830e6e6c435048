import { handler, ResponseError, reply } from '../../net/handler.ts'
import { encodeKVTable } from '../../protocol/bodies/lists.ts'
import { getKvListByNamespace } from '../../protocol/commands/get-kv-list-by-namespace.ts'
import type { KvConfig } from '../kv-config.ts'

/** Answers with all keys of a namespace, or QUERY_NOT_FOUND when nothing was ever put there. */
export const getKvListByNamespaceHandler = (kvConfig: KvConfig) =>
  handler(getKvListByNamespace, ({ namespace }) => {
    const table = kvConfig.namespace(namespace)
    if (table !== undefined) return reply({}, { body: encodeKVTable({ table }) })
    throw new ResponseError('QUERY_NOT_FOUND', `No config item, Namespace: ${namespace}`)
  })
