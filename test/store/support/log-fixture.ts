import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type LogMessage,
  type LogStore,
  type LogStoreOptions,
  type NewMessage,
  openStore,
} from '../../../lib/store/index.ts'

/** Options with small files. */
export const smallFiles = { segmentBytes: 1 << 20, consumeQueueFileBytes: 20_000, indexSlots: 1000, indexItems: 4000 }

/** A store in a directory of its own; closed and removed at the end of the test. */
export const openLog = async (t: TestContext, more: Partial<LogStoreOptions> = {}): Promise<LogStore> => {
  const directory = await mkdtemp(join(tmpdir(), 'apogee-log-'))
  const store = await openStore({ directory, ...smallFiles, ...more })
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return store
}

/** Every flush mode with every write path it goes with. No interval ends by itself within a test. */
export const ways: Record<string, Pick<LogStoreOptions, 'flush' | 'writePath'>> = Object.fromEntries(
  (
    [
      ['async', 'mapped'],
      ['async', 'staged'],
      ['async', 'pool'],
      ['sync', 'mapped'],
      ['sync', 'staged'],
    ] as const
  ).map(([mode, writePath]) => [
    `${mode} ${writePath}`,
    {
      writePath,
      flush: {
        mode,
        intervalMs: 3_600_000,
        thoroughIntervalMs: 3_600_000,
        commitIntervalMs: 3_600_000,
        commitThoroughIntervalMs: 3_600_000,
      },
    },
  ]),
)

export const bodies = (messages: readonly LogMessage[]): string[] => messages.map(({ body }) => body.toString())

export const collect = async (messages: AsyncIterable<LogMessage>): Promise<LogMessage[]> => {
  const all: LogMessage[] = []
  for await (const message of messages) all.push(message)
  return all
}

export const numbered = (count: number, from = 0): NewMessage[] =>
  Array.from({ length: count }, (_, index) => ({ body: `m${from + index}` }))
