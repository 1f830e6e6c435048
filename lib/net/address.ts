import { isIP } from 'node:net'
import { addressBytes } from '../protocol/host-address.ts'
import type { RemoteAddress } from './connection.ts'
import { NetError } from './net-error.ts'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const UNKNOWN: RemoteAddress = { address: '0.0.0.0', port: 0, bytes: Buffer.alloc(4) }

/** An address as the system reports it. An IPv4-mapped IPv6 address becomes IPv4, a zone (`%eth0`) is left out. */
export const remoteAddress = (literal: string | undefined, port: number | undefined): RemoteAddress => {
  if (literal === undefined) return UNKNOWN
  const plain = literal.replace(/%.*$/, '')
  const address = MAPPED_IPV4.exec(plain)?.[1] ?? plain
  return isIP(address) === 0 ? UNKNOWN : { address, port: port ?? 0, bytes: addressBytes(address) }
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
