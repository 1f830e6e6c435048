import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Grouping } from './grouping.ts'
import type { Peer, PeerOptions } from './peer.ts'

const LENGTH_BYTES = 4

/** A growing file: length and body of each message, one writev for each group, then fdatasync where asked for. */
export const openPlainFile = async ({ directory, flush, source }: PeerOptions): Promise<Peer> => {
  const file = await open(join(directory, 'log'), 'ax')
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(source.bodyBytes)
  const grouping = new Grouping(async (starts) => {
    const parts = starts.flatMap((start) => [length, source.at(start)])
    const { bytesWritten } = await file.writev(parts)
    if (bytesWritten !== starts.length * (LENGTH_BYTES + source.bodyBytes)) throw new Error('writev wrote a part only')
    if (flush === 'sync') await file.datasync()
  })
  return {
    append: (start) => grouping.append(start),
    settle: () => file.datasync(),
    close: () => file.close(),
  }
}
