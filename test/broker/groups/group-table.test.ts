import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SubscriptionGroupTable } from '../../../lib/broker/groups/group-table.ts'
import { subscriptionGroupConfig } from '../../../lib/protocol/bodies/subscription-group.ts'
import { tableOptions } from '../support/fixtures.ts'

test('a broker starts with the groups of Java 4.9', async (t) => {
  const table = await SubscriptionGroupTable.load(await tableOptions(t))
  deepEqual(
    [...table.all()].map(({ groupName }) => groupName),
    [
      'TOOLS_CONSUMER',
      'FILTERSRV_CONSUMER',
      'SELF_TEST_C_GROUP',
      'CID_ONS-HTTP-PROXY',
      'CID_ONSAPI_PULL',
      'CID_ONSAPI_PERMISSION',
      'CID_ONSAPI_OWNER',
    ],
  )
})

test('an unknown group is made when it is looked for', async (t) => {
  const options = await tableOptions(t)
  const table = await SubscriptionGroupTable.load(options)
  equal(table.get('G'), undefined)
  deepEqual(table.find('G'), subscriptionGroupConfig('G'))
  await table.stop()
  const again = await SubscriptionGroupTable.load(options)
  deepEqual(again.get('G'), subscriptionGroupConfig('G'))
  equal(again.dataVersion.counter, 1)
})

test('without auto-creation only groups of the system are made', async (t) => {
  const table = await SubscriptionGroupTable.load(await tableOptions(t, { autoCreateSubscriptionGroup: 'false' }))
  equal(table.find('G'), undefined)
  ok(table.find('CID_RMQ_SYS_TRANS') !== undefined)
})

for (const name of ['../x', 'a/b', 'x'.repeat(128), 'a\u0001b', '', 'a@b']) {
  test(`no group is ever named ${JSON.stringify(name).slice(0, 20)}`, async (t) => {
    const table = await SubscriptionGroupTable.load(await tableOptions(t))
    equal(table.find(name), undefined)
    throws(() => table.update(subscriptionGroupConfig(name)), { code: 'GROUP_INVALID' })
  })
}

test('a group set by an administrator is there after a restart, and after it was deleted no more', async (t) => {
  const options = await tableOptions(t)
  const table = await SubscriptionGroupTable.load(options)
  table.update(subscriptionGroupConfig('G', { retryMaxTimes: 3, consumeBroadcastEnable: false }))
  await table.stop()
  const again = await SubscriptionGroupTable.load(options)
  equal(again.get('G')?.retryMaxTimes, 3)
  ok(again.delete('G'))
  await again.stop()
  equal((await SubscriptionGroupTable.load(options)).get('G'), undefined)
})

test('a broken file gives way to its previous generation', async (t) => {
  const options = await tableOptions(t)
  const table = await SubscriptionGroupTable.load(options)
  table.find('First')
  await table.flush()
  table.find('Second')
  await table.stop()
  await writeFile(join(options.folder, 'config/subscriptionGroup.json'), '')
  const again = await SubscriptionGroupTable.load(options)
  deepEqual([again.get('First') !== undefined, again.get('Second')], [true, undefined])
})
