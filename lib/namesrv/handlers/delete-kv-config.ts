import { handler } from '../../net/handler.ts'
import { deleteKvConfig } from '../../protocol/commands/delete-kv-config.ts'
import type { KvConfig } from '../kv-config.ts'

/** Deletes one key; success also when it was not there. */
export const deleteKvConfigHandler = (kvConfig: KvConfig) =>
  handler(deleteKvConfig, async ({ namespace, key }) => {
    await kvConfig.delete(namespace, key)
    return {}
  })
