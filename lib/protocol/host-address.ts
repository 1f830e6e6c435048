import { isIPv4, isIPv6 } from 'node:net'
import { ProtocolError } from './protocol-error.ts'

/** An IP address with a port, as records and message ids hold it. */
export interface HostAddress {
  /** Network order, 4 or 16 bytes. */
  readonly bytes: Buffer
  readonly port: number
}

/** Network-order bytes of an IPv4 or IPv6 literal; a zone is left out. @throws {ProtocolError} `ADDRESS_ILLEGAL` */
export const addressBytes = (literal: string): Buffer => {
  if (isIPv4(literal)) return Buffer.from(literal.split('.').map(Number))
  if (!isIPv6(literal)) throw new ProtocolError('ADDRESS_ILLEGAL', `${literal.slice(0, 64)} is no IP address`)
  return ipv6Bytes(literal.split('%', 1)[0]!)
}

const ipv6Bytes = (literal: string): Buffer => {
  const bytes = Buffer.alloc(16)
  const [head = '', tail] = literal.split('::')
  const front = groupBytes(head)
  const back = tail === undefined ? [] : groupBytes(tail)
  bytes.set(front, 0)
  bytes.set(back, 16 - back.length)
  return bytes
}

const groupBytes = (groups: string): number[] => {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** Literal of network-order bytes: dotted for 4, the shortest colon form for 16. */
export const addressLiteral = (bytes: Buffer): string => {
  if (bytes.length === 4) return bytes.join('.')
  const groups: number[] = []
  for (let at = 0; at < bytes.length; at += 2) groups.push(bytes.readUInt16BE(at))
  const { start, length } = longestZeroRun(groups)
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

const longestZeroRun = (groups: readonly number[]): { start: number; length: number } => {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length += 1
    if (length > best.length) best = { start, length }
  }
  return best
}

/** `address:port`, with brackets around IPv6. */
export const hostText = (host: HostAddress): string => {
  const literal = addressLiteral(host.bytes)
  return host.bytes.length === 4 ? `${literal}:${host.port}` : `[${literal}]:${host.port}`
}

/** Reads a literal and a port. @throws {ProtocolError} `ADDRESS_ILLEGAL` */
export const hostAddress = (literal: string, port: number): HostAddress => ({ bytes: addressBytes(literal), port })
