import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { Grouping } from './grouping.ts'
import type { Peer, PeerOptions } from './peer.ts'

const KEY_BYTES = 8

/** LevelDB: one batch for each group, with `sync: true` where the device has to have it. */
export const openClassicLevel = async ({ directory, flush, source }: PeerOptions): Promise<Peer> => {
  const database = new ClassicLevel<Buffer, Buffer>(join(directory, 'level'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
  })
  await database.open()
  let nextKey = 0n
  const makeKey = (): Buffer => {
    const key = Buffer.allocUnsafe(KEY_BYTES)
    key.writeBigUInt64BE(nextKey++)
    return key
  }
  const grouping = new Grouping((starts) =>
    database.batch(
      starts.map((start) => ({ type: 'put' as const, key: makeKey(), value: source.at(start) })),
      { sync: flush === 'sync' },
    ),
  )
  return {
    append: (start) => grouping.append(start),
    settle: () => database.put(makeKey(), Buffer.alloc(0), { sync: true }),
    close: () => database.close(),
  }
}
