import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecallHandle, encodeRecallHandle } from '../../lib/protocol/recall-handle.ts'

const handle = { topic: 'T?>', brokerName: 'broker-a', timestamp: '1700000000000', messageId: '7F0000010001' }

test('a recall handle has the form of 5.x: five words in padded base64url', () => {
  const text = encodeRecallHandle(handle)
  equal(text, 'djEgVD8-IGJyb2tlci1hIDE3MDAwMDAwMDAwMDAgN0YwMDAwMDEwMDAx')
  deepEqual(decodeRecallHandle(text), handle)
  equal(encodeRecallHandle({ ...handle, topic: 'T' }).length % 4, 0)
})

test('what is no handle is refused', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  const wrong = [
    '',
    'v1 T b 1 id',
    '+/+/',
    'abc=def',
    encoded('v2 T b 1 id'),
    encoded('v1 T b 1'),
    encoded('v1  b 1 i'),
  ]
  for (const text of [...wrong, encoded('v1 T b 1 i\x02d')]) {
    throws(() => decodeRecallHandle(text), { code: 'RECALL_HANDLE_ILLEGAL', message: 'recall handle is invalid' })
  }
})
