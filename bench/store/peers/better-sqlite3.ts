import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Grouping } from './grouping.ts'
import type { Peer, PeerOptions } from './peer.ts'

/** What is used of better-sqlite3, which brings no types. */
interface Statement {
  run(...values: unknown[]): unknown
}
interface Database {
  pragma(text: string): unknown
  exec(sql: string): void
  prepare(sql: string): Statement
  transaction(work: (starts: readonly number[]) => void): (starts: readonly number[]) => void
  close(): void
}

/** SQLite in WAL mode: one transaction for each group. FULL syncs the log at each commit, NORMAL at checkpoints only. */
export const openBetterSqlite3 = async ({ directory, flush, source }: PeerOptions): Promise<Peer> => {
  const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (file: string) => Database
  const database = new Sqlite(join(directory, 'log.db'))
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${flush === 'sync' ? 'FULL' : 'NORMAL'}`)
  database.exec('CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB NOT NULL)')
  const insert = database.prepare('INSERT INTO log (body) VALUES (?)')
  const grouping = new Grouping(
    database.transaction((starts) => {
      for (const start of starts) insert.run(source.at(start))
    }),
  )
  return {
    append: (start) => grouping.append(start),
    async settle() {
      database.pragma('wal_checkpoint(FULL)')
    },
    async close() {
      database.close()
    },
  }
}
