import { type JavaJson, stringifyJava } from '../../base/java-json.ts'
import { JsonReader } from './json-reader.ts'
import { type ConsumeMode, consumeModeOf, type SubscriptionData, subscriptionDataOf } from './subscription-data.ts'

/** What one client says of one consumer group. */
export interface ConsumerData extends ConsumeMode {
  readonly groupName: string
  readonly subscriptionDataSet: readonly SubscriptionData[]
  readonly unitMode: boolean
}

/** Body of HEART_BEAT: the groups a client is in. */
export interface HeartbeatData {
  readonly clientID: string
  readonly producerDataSet: readonly { readonly groupName: string }[]
  readonly consumerDataSet: readonly ConsumerData[]
  /** 5.x: stands for the subscriptions; 0 when it is not used. */
  readonly heartbeatFingerprint?: number
  /** 5.x: the subscriptions are left out because the fingerprint is known. */
  readonly withoutSub?: boolean
}

const consumerDataOf = (value: JavaJson, what: string): ConsumerData => {
  const reader = new JsonReader(value, what)
  return {
    groupName: reader.text('groupName', ''),
    ...consumeModeOf(reader),
    subscriptionDataSet: reader.list('subscriptionDataSet', subscriptionDataOf),
    unitMode: reader.flag('unitMode', false),
  }
}

const producerDataOf = (value: JavaJson, what: string): { groupName: string } => ({
  groupName: new JsonReader(value, what).text('groupName', ''),
})

export const encodeHeartbeat = (heartbeat: HeartbeatData): Buffer => Buffer.from(stringifyJava(heartbeat))

/**
 * Reads a heartbeat; enum members may be names or, from the C++ client, ordinals.
 * @throws {ProtocolError} `BODY_ILLEGAL`
 */
export const decodeHeartbeat = (body: Buffer | string): HeartbeatData => {
  const reader = JsonReader.of(body, 'HeartbeatData')
  const heartbeatFingerprint = reader.number('heartbeatFingerprint', undefined)
  return {
    clientID: reader.text('clientID', ''),
    producerDataSet: reader.list('producerDataSet', producerDataOf),
    consumerDataSet: reader.list('consumerDataSet', consumerDataOf),
    ...(heartbeatFingerprint === undefined ? {} : { heartbeatFingerprint }),
    ...(reader.flag('withoutSub', false) ? { withoutSub: true } : {}),
  }
}

/** Body of CHECK_CLIENT_CONFIG. */
export interface CheckClientRequestBody {
  readonly clientId: string
  readonly group: string
  readonly subscriptionData: SubscriptionData
}

export const encodeCheckClient = (body: CheckClientRequestBody): Buffer => Buffer.from(stringifyJava(body))

/** @throws {ProtocolError} `BODY_ILLEGAL` */
export const decodeCheckClient = (body: Buffer | string): CheckClientRequestBody => {
  const reader = JsonReader.of(body, 'CheckClientRequestBody')
  return {
    clientId: reader.text('clientId', ''),
    group: reader.text('group', ''),
    subscriptionData: subscriptionDataOf(reader.members.subscriptionData ?? Object.create(null)),
  }
}
