import { availableParallelism, homedir, hostname, networkInterfaces } from 'node:os'
import type { Machine } from './config-key.ts'

/** First address that others can reach: public IPv4, then private IPv4, then IPv6, then the loopback address. */
const localAddress = (): string => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && !entry.address.startsWith('fe80:'))
  const ipv4 = addresses.filter((entry) => entry.family === 'IPv4').map((entry) => entry.address)
  const ipv6 = addresses.filter((entry) => entry.family === 'IPv6').map((entry) => entry.address)
  return ipv4.find((address) => !address.startsWith('192.168')) ?? ipv4[0] ?? ipv6[0] ?? '127.0.0.1'
}

/** The machine this process runs on. */
export const thisMachine = (): Machine => ({
  hostName: hostname(),
  localAddress: localAddress(),
  cpuCount: availableParallelism(),
  homeDirectory: homedir(),
  environment: process.env,
})
