import { bool, command, int32, int64, optional, string } from '../command.ts'

/**
 * 103: a broker tells a name server about itself and its topics; the body is a RegisterBrokerBody. `bodyCrc32` 0 =
 * unchecked.
 */
export const registerBroker = command({
  code: 103,
  name: 'REGISTER_BROKER',
  request: {
    brokerName: string,
    brokerAddr: string,
    clusterName: string,
    haServerAddr: string,
    brokerId: int64,
    compressed: optional(bool, false),
    bodyCrc32: optional(int32, 0),
    heartbeatTimeoutMillis: optional(int64),
    enableActingMaster: optional(bool),
  },
  response: { haServerAddr: optional(string), masterAddr: optional(string) },
})
