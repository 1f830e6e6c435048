import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'

/** Who a client is, to brokers and in message ids. */
export interface ClientIdentity {
  /**
   * `address@pid#random`. Address and process id are equal in many containers; without the random part their clients
   * would be one member of a group.
   */
  readonly clientId: string
  /** IPv4 address of this machine, 4 bytes. */
  readonly address: Buffer
  /** Random, 32 bits signed. */
  readonly instanceHash: number
}

const localAddress = (): string => {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { family, internal, address } of addresses ?? []) {
      if (family === 'IPv4' && !internal) return address
    }
  }
  return '127.0.0.1'
}

/** An identity that no other client has. */
export const newClientIdentity = (): ClientIdentity => {
  const random = randomBytes(8)
  const address = localAddress()
  return {
    clientId: `${address}@${process.pid}#${random.toString('hex')}`,
    address: Buffer.from(address.split('.').map(Number)),
    instanceHash: random.readInt32BE(0),
  }
}
