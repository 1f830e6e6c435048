import { handler } from '../../net/handler.ts'
import { putKvConfig } from '../../protocol/commands/put-kv-config.ts'
import type { KvConfig } from '../kv-config.ts'

/** Sets one key; answered when it is on the device. */
export const putKvConfigHandler = (kvConfig: KvConfig) =>
  handler(putKvConfig, async ({ namespace, key, value }) => {
    await kvConfig.put(namespace, key, value)
    return {}
  })
