import type { Clock } from '../base/clock.ts'
import type { HostAddress } from './host-address.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { ProtocolError } from './protocol-error.ts'

const IPV4_ID = /^[0-9A-Fa-f]{32}$/
const IPV6_ID = /^[0-9A-Fa-f]{56}$/

const idBytes = (id: string): Buffer => {
  if (!IPV4_ID.test(id) && !IPV6_ID.test(id)) {
    throw new ProtocolError('MESSAGE_ID_ILLEGAL', `${id.slice(0, 64)} is no message id: 32 or 56 hex digits`)
  }
  return Buffer.from(id, 'hex')
}

/**
 * The broker's message id: store host and physical offset in upper-case hex, 32 characters with IPv4, 56 with IPv6.
 */
export const encodeOffsetMessageId = (storeHost: HostAddress, physicalOffset: number): string => {
  const addressLength = storeHost.bytes.length
  const bytes = Buffer.allocUnsafe(addressLength + 12)
  storeHost.bytes.copy(bytes)
  bytes.writeInt32BE(storeHost.port, addressLength)
  writeInt64(bytes, physicalOffset, addressLength + 4)
  return bytes.toString('hex').toUpperCase()
}

/**
 * Reads a broker's message id. The offset is not checked against any store.
 * @throws {ProtocolError} `MESSAGE_ID_ILLEGAL`
 */
export const decodeOffsetMessageId = (id: string): { storeHost: HostAddress; physicalOffset: number } => {
  const bytes = idBytes(id)
  const addressLength = bytes.length - 12
  const physicalOffset = readInt64(bytes, addressLength + 4)
  return {
    storeHost: { bytes: bytes.subarray(0, addressLength), port: bytes.readInt32BE(addressLength) },
    physicalOffset,
  }
}

/** What a client message id is made of. */
export interface UniqIdParts {
  /** Address of the client, 4 or 16 bytes. */
  readonly address: Buffer
  /** The low 16 bits are used. */
  readonly processId: number
  /** Tells apart several makers in one process; Java uses the hash of a class loader. */
  readonly instanceHash: number
  /** Milliseconds since the local start of the month. */
  readonly sinceMonthStartMs: number
  /** The low 16 bits are used. */
  readonly counter: number
}

/** A client message id (`UNIQ_KEY`) in Java's layout: upper-case hex, 32 or 56 characters. */
export const createUniqId = (parts: UniqIdParts): string => {
  const addressLength = parts.address.length
  const bytes = Buffer.allocUnsafe(addressLength + 12)
  parts.address.copy(bytes)
  bytes.writeUInt16BE(parts.processId & 0xffff, addressLength)
  bytes.writeInt32BE(parts.instanceHash | 0, addressLength + 2)
  bytes.writeInt32BE(parts.sinceMonthStartMs | 0, addressLength + 6)
  bytes.writeUInt16BE(parts.counter & 0xffff, addressLength + 10)
  return bytes.toString('hex').toUpperCase()
}

/** Start of the month that `nowMs` is in, local time, in ms since the epoch. */
const monthStartMs = (nowMs: number, monthsBefore = 0): number => {
  const now = new Date(nowMs)
  return new Date(now.getFullYear(), now.getMonth() - monthsBefore, 1).getTime()
}

/** Makes client message ids, unique within the process and, by its parts, between processes. */
export class UniqIds {
  readonly #maker: Pick<UniqIdParts, 'address' | 'processId' | 'instanceHash'>
  readonly #clock: Clock
  #counter = 0

  constructor(maker: Pick<UniqIdParts, 'address' | 'processId' | 'instanceHash'>, clock: Clock) {
    this.#maker = maker
    this.#clock = clock
  }

  next(): string {
    const nowMs = this.#clock.nowMs()
    const counter = this.#counter
    this.#counter = (counter + 1) & 0xffff
    return createUniqId({ ...this.#maker, sinceMonthStartMs: nowMs - monthStartMs(nowMs), counter })
  }
}

/**
 * When a client message id was made, in ms since the epoch: the id knows the time within a month, which is taken to be
 * the last one possible before `nowMs`.
 * @throws {ProtocolError} `MESSAGE_ID_ILLEGAL`
 */
export const uniqIdBornTime = (id: string, nowMs: number): number => {
  const bytes = idBytes(id)
  const sinceStartMs = bytes.readUInt32BE(bytes.length - 6)
  const inThisMonth = monthStartMs(nowMs) + sinceStartMs
  return inThisMonth < nowMs ? inThisMonth : monthStartMs(nowMs, 1) + sinceStartMs
}

/** Address of the client that made a message id. @throws {ProtocolError} `MESSAGE_ID_ILLEGAL` */
export const uniqIdAddress = (id: string): Buffer => {
  const bytes = idBytes(id)
  return bytes.subarray(0, bytes.length - 12)
}
