import { handler, reply } from '../../net/handler.ts'
import { getNamesrvConfig } from '../../protocol/commands/get-namesrv-config.ts'
import type { NamesrvConfig } from '../namesrv-config.ts'

/** Answers with the whole configuration as `key=value` lines. */
export const getNamesrvConfigHandler = (config: NamesrvConfig) =>
  handler(getNamesrvConfig, () => reply({}, { body: Buffer.from(config.text) }))
