import { splitAddress } from '../../support/raw-client.ts'
import type { ServerPair } from './pairs.ts'

/** Hex of IPv4 address and port, as an offset id begins. */
const hexAddress = (address: string): string => {
  const { host, port } = splitAddress(address)
  const bytes = Buffer.alloc(8)
  for (const [index, part] of host.split('.').entries()) bytes[index] = Number(part)
  bytes.writeInt32BE(port, 4)
  return bytes.toString('hex').toUpperCase()
}

/** What mqadmin printed, without what two clusters cannot have in common. Runs of blanks become one. */
export const maskedOutput = (output: string, pair: ServerPair): string =>
  output
    .replaceAll(pair.brokerAddress, '<broker>')
    .replaceAll(hexAddress(pair.brokerAddress), '<broker>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '<client>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/g, '<time>')
    .replaceAll(/\bV\d+_\d+_\d+\b/g, '<version>')
    .replaceAll(/\d+\.\d\d\(\d+,\d+ms\)/g, '<tps>')
    .replaceAll(/<tps>\s+<tps>\s+\S+\s+\S+\s+\S+/g, '<tps> <tps> <wait> <hours> <space>')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/ $/gm, '')
