import type { DriverSystem, SystemName } from '../rows.ts'
import { openApogee } from './apogee.ts'
import type { Peer, PeerOptions } from './peer.ts'

/** The systems that are measured in a Node process. */
export type NodeSystem = Exclude<SystemName, DriverSystem>

/** Opens a system. The libraries of the others are loaded by who measures them only. */
export const openPeer = async (system: NodeSystem, options: PeerOptions): Promise<Peer> => {
  switch (system) {
    case 'apogee-node':
      return openApogee(options)
    case 'lmdb':
      return (await import('./lmdb.ts')).openLmdb(options)
    case 'classic-level':
      return (await import('./classic-level.ts')).openClassicLevel(options)
    case 'better-sqlite3':
      return (await import('./better-sqlite3.ts')).openBetterSqlite3(options)
    case 'fs':
      return (await import('./plain-file.ts')).openPlainFile(options)
  }
}
