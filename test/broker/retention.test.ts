import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseJavaJson } from '../../lib/base/java-json.ts'
import { followRetention, retentionOptionsOf } from '../../lib/broker/retention.ts'
import type { MessageStore, RetentionOptions, RetentionStats } from '../../lib/store/index.ts'
import { LogLines } from '../support/log-lines.ts'
import { testConfig } from './support/fixtures.ts'
import { startTestBroker } from './support/test-broker.ts'

const calm: RetentionStats = {
  deletedSegments: 0,
  deletedBytes: 0,
  lastDeleteMs: 0,
  logUsedRatio: 0.5,
  rootUsedRatio: 0.5,
  freeBytes: 1000,
  refusal: '',
  verifiedTimeMs: 0,
  clockAheadMs: 0,
  clockDoubt: '',
  problem: '',
}

test("Java's defaults are the store's", () => {
  deepEqual(retentionOptionsOf(testConfig('/store').current), {
    reservedMs: 72 * 3_600_000,
    deleteHours: [4],
    cleanPercent: 75,
    cleanForcibly: true,
    cleanIntervalMs: 10_000,
    deleteSegmentIntervalMs: 100,
    deleteQueueFilesIntervalMs: 100,
    destroyPinnedAfterMs: 120_000,
  })
})

test('deleteWhen is a list of hours, and nothing else', () => {
  const hours = (deleteWhen: string) => retentionOptionsOf(testConfig('/store', { deleteWhen }).current).deleteHours
  deepEqual(hours('04;16;'), [4, 16])
  deepEqual(hours(' 0 ; 23'), [0, 23])
  for (const wrong of ['24', '-1', 'four', '', ';', '4,5'])
    throws(() => hours(wrong), { code: 'CONFIG_INVALID' }, wrong)
})

test('a change of the configuration reaches the open store, and its notices the log', () => {
  const config = testConfig('/store')
  const changes: RetentionOptions[] = []
  let notice: (stats: RetentionStats) => void = () => {}
  const store: Pick<MessageStore, 'retention' | 'setRetention' | 'onRetentionNotice'> = {
    retention: { ...calm, clockDoubt: 'the wall clock is 9.0 h ahead' },
    setRetention: (options) => changes.push(options),
    onRetentionNotice: (listener) => {
      notice = listener
    },
  }
  const log = new LogLines()
  followRetention(store as MessageStore, config, log)
  config.update(new Map([['fileReservedTime', '24']]))
  equal(changes.length, 1)
  equal(changes[0]!.reservedMs, 24 * 3_600_000)
  notice({ ...calm, refusal: 'disk 91 % used, limit 90 % (/store)' })
  notice(calm)
  deepEqual(log.warnings, ['store: the wall clock is 9.0 h ahead'])
  deepEqual(log.errors, ['store: sends are refused: disk 91 % used, limit 90 % (/store)'])
  equal(log.infos.length, 1)
})

test('a broker deletes expired segments on demand and shows what it keeps', async (t) => {
  const { client } = await startTestBroker(t)
  equal((await client.call({ code: 329 })).code, 0)
  const { body } = await client.call({ code: 28 })
  const { table } = JSON.parse(JSON.stringify(parseJavaJson(body))) as { table: Record<string, string> }
  equal(table.storeDeletedSegments, '0')
  equal(table.storeRefusal, undefined)
  match(table.commitLogDiskRatio!, /^0(\.\d+)?$|^1$/)
  match(table.consumeQueueDiskRatio!, /^0(\.\d+)?$|^1$/)
})
