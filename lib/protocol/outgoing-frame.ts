import type { SerializeType } from './remoting-command.ts'

/** One command to write as a frame. */
export interface OutgoingFrame {
  /** Request code, or response code when `flag` has the response bit. A ROCKETMQ header holds 16 bits of it. */
  readonly code: number
  /** Matches a response to its request. 32-bit signed. */
  readonly opaque: number
  /** `FLAG_RESPONSE` and `FLAG_ONEWAY` bits. */
  readonly flag: number
  readonly extFields?: ReadonlyMap<string, string> | undefined
  readonly body?: Buffer | undefined
  readonly remark?: string | undefined
  /** Language code; default OTHER. */
  readonly language?: number | undefined
  /** Version ordinal; default that of 4.9.8. */
  readonly version?: number | undefined
  /** Header encoding; default JSON. */
  readonly serializeType?: SerializeType | undefined
}

/** What a header says, apart from the frame around it. */
export interface DecodedHeader {
  readonly code: number
  readonly language: number | undefined
  readonly version: number
  readonly opaque: number
  readonly flag: number
  readonly remark: string | undefined
  readonly extFields: ReadonlyMap<string, string>
}

/** Most ext fields one header may have. */
export const MAX_EXT_FIELDS = 256
