import { handler, reply } from '../../net/handler.ts'
import { encodeKVTable } from '../../protocol/bodies/lists.ts'
import { getBrokerRuntimeInfo } from '../../protocol/commands/get-broker-runtime-info.ts'
import { type RuntimeSources, runtimeInfo } from '../runtime-info.ts'

/** Counters, rates and sizes of the running broker. */
export const brokerRuntimeInfoHandler = (sources: RuntimeSources) =>
  handler(getBrokerRuntimeInfo, async () => reply({}, { body: encodeKVTable({ table: await runtimeInfo(sources) }) }))
