import { isIPv4, isIPv6 } from 'node:net'
import type { RemoteAddress } from './connection.ts'
import { NetError } from './net-error.ts'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const UNKNOWN: RemoteAddress = { address: '0.0.0.0', port: 0, bytes: Buffer.alloc(4) }

const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** Eight 16-bit groups; the last two may be written as IPv4. */
const ipv6Bytes = (address: string): Buffer => {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  const text =
    embedded === null
      ? address
      : `${embedded[1]}${ipv4Bytes(embedded[2]!)
          .toString('hex')
          .replace(/^(.{4})/, '$1:')}`
  const [head = '', tail] = text.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of before.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  const tailStart = 16 - after.length * 2
  for (const [index, group] of after.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), tailStart + index * 2)
  return bytes
}

/** An address as the system reports it. An IPv4-mapped IPv6 address becomes IPv4, a zone (`%eth0`) is left out. */
export const remoteAddress = (literal: string | undefined, port: number | undefined): RemoteAddress => {
  if (literal === undefined) return UNKNOWN
  const plain = literal.replace(/%.*$/, '')
  const address = MAPPED_IPV4.exec(plain)?.[1] ?? plain
  if (isIPv4(address)) return { address, port: port ?? 0, bytes: ipv4Bytes(address) }
  if (isIPv6(address)) return { address, port: port ?? 0, bytes: ipv6Bytes(address) }
  return UNKNOWN
}

/** `host:port`; IPv6 without brackets, as Java writes and reads it. */
export const formatAddress = ({ address, port }: { address: string; port: number }): string => `${address}:${port}`

/**
 * Splits `host:port` at the last colon; brackets around an IPv6 host may be there or not.
 * @throws {NetError} `NET_ADDRESS_INVALID`
 */
export const parseAddress = (text: string): { host: string; port: number } => {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const portText = text.slice(colon + 1)
  const port = Number(portText)
  if (colon < 1 || host === '' || !/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) {
    throw new NetError('NET_ADDRESS_INVALID', `${text} is no host:port`)
  }
  return { host, port }
}
