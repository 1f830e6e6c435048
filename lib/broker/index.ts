export type { Machine } from '../base/config-key.ts'
export { ResponseError } from '../net/handler.ts'
export { type Broker, type BrokerSurroundings, startBroker } from './broker.ts'
export {
  BrokerConfig,
  effectiveBrokerConfig,
  type ParsedBrokerConfig,
  parseBrokerConfig,
} from './config/broker-config.ts'
export type { BrokerOptions } from './config/broker-options.ts'
export { configRows, formatAllConfig } from './config/config-values.ts'
export type { HookedAnswer, HookedSend, SendHook } from './send/send-hooks.ts'
