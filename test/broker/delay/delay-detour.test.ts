import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { delayDetour } from '../../../lib/broker/delay/delay-detour.ts'
import type { NewMessage } from '../../../lib/broker/messages/new-message.ts'
import { hostAddress } from '../../../lib/protocol/host-address.ts'
import { MessageSysFlag } from '../../../lib/protocol/sys-flags.ts'

const message = (properties: Record<string, string>, sysFlag = 0): NewMessage => ({
  topic: 'T',
  queueId: 3,
  flag: 0,
  sysFlag,
  bornTimestampMs: 1,
  bornHost: hostAddress('10.0.0.7', 40_000),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('x'),
  properties: new Map(Object.entries(properties)),
})

const { redirect } = delayDetour(18)

test('a message with a level goes to that level of the schedule topic and remembers where it was sent', () => {
  const { topic, queueId, properties } = redirect(message({ KEYS: 'k', DELAY: '3' }))
  deepEqual([topic, queueId], ['SCHEDULE_TOPIC_XXXX', 2])
  deepEqual(
    [...properties],
    [
      ['KEYS', 'k'],
      ['DELAY', '3'],
      ['REAL_TOPIC', 'T'],
      ['REAL_QID', '3'],
    ],
  )
})

test('a level above the highest becomes the highest', () => {
  for (const level of ['19', '2147483647']) {
    const { queueId, properties } = redirect(message({ DELAY: level }))
    deepEqual([queueId, properties.get('DELAY')], [17, '18'])
  }
})

test('a level with a sign is stored without it: the store computes due times of digits only', () => {
  for (const [level, stored] of [
    ['+5', '5'],
    ['+0099', '18'],
    ['005', '005'],
  ] as const) {
    equal(redirect(message({ DELAY: level })).properties.get('DELAY'), stored)
  }
})

test('messages without a level above 0, and all when there are no levels, stay as they are', () => {
  for (const delay of ['0', '-1', '+0', '-2147483648']) {
    const plain = message({ DELAY: delay })
    equal(redirect(plain), plain)
  }
  const plain = message({ KEYS: 'k' })
  equal(redirect(plain), plain)
  const delayed = message({ DELAY: '3' })
  equal(delayDetour(0).redirect(delayed), delayed)
})

test('halves and rolled back messages are not delayed, committed ones are', () => {
  const type = (sysFlag: number) => redirect(message({ DELAY: '1' }, sysFlag)).topic
  equal(type(MessageSysFlag.TRANSACTION_PREPARED), 'T')
  equal(type(MessageSysFlag.TRANSACTION_ROLLBACK), 'T')
  equal(type(MessageSysFlag.TRANSACTION_COMMIT | MessageSysFlag.COMPRESSED), 'SCHEDULE_TOPIC_XXXX')
})

test('a level that is no 32-bit number is refused', () => {
  for (const delay of ['soon', '1.5', '', ' 1', '2147483648', '-2147483649', '0x1']) {
    throws(() => redirect(message({ DELAY: delay })), { code: 'SYSTEM_ERROR', message: /DELAY is no level/ })
  }
})
