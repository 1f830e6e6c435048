import { join } from 'node:path'
import { open } from 'lmdb'
import type { Peer, PeerOptions } from './peer.ts'

/** lmdb groups what is put by itself. A put resolves when it can be read; the device has it when `flushed` resolves. */
export const openLmdb = async ({ directory, flush, source }: PeerOptions): Promise<Peer> => {
  const database = open<Buffer, number>({ path: join(directory, 'lmdb'), encoding: 'binary' })
  let nextKey = 0
  return {
    async append(start) {
      await database.put(nextKey++, source.at(start))
      if (flush === 'sync') await database.flushed
    },
    async settle() {
      await database.flushed
    },
    async close() {
      await database.close()
    },
  }
}
