/** How a header is serialized; the high byte of the frame's second word. */
export const SerializeType = { json: 0, rocketmq: 1 } as const
export type SerializeType = (typeof SerializeType)[keyof typeof SerializeType]

/** Bits of `flag`. */
export const FLAG_RESPONSE = 1
export const FLAG_ONEWAY = 2

/** Version number this software states in headers: that of 4.9.8, whose behaviour it has. */
export const PROTOCOL_VERSION = 409
/** Language code this software states in headers: OTHER, which every peer knows (NODE_JS exists only in 5.x). */
export const LANGUAGE_OTHER = 7

/** One frame, decoded. */
export interface RemotingCommand {
  /** Request code, or response code when the response bit is set. */
  readonly code: number
  /** Language code of the sender; undefined when it named one we do not know. */
  readonly language: number | undefined
  /** Version ordinal of the sender, for example 409 for 4.9.8. */
  readonly version: number
  /** Matches a response to its request, per connection. 32-bit signed. */
  readonly opaque: number
  readonly flag: number
  readonly remark: string | undefined
  readonly extFields: ReadonlyMap<string, string>
  /** Empty when the frame has none. A view of the received bytes unless said otherwise. */
  readonly body: Buffer
  readonly serializeType: SerializeType
}

export const isResponse = (command: RemotingCommand): boolean => (command.flag & FLAG_RESPONSE) !== 0
export const isOneway = (command: RemotingCommand): boolean => (command.flag & FLAG_ONEWAY) !== 0
