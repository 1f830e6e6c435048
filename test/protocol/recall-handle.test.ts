import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecallHandle, encodeRecallHandle, RecallHandleEncoder } from '../../lib/protocol/recall-handle.ts'

const handle = { topic: 'T?>', brokerName: 'broker-a', timestamp: '1700000000000', messageId: '7F0000010001' }

test('a recall handle has the form of 5.x: five words in padded base64url', () => {
  const text = encodeRecallHandle(handle)
  equal(text, 'djEgVD8-IGJyb2tlci1hIDE3MDAwMDAwMDAwMDAgN0YwMDAwMDEwMDAx')
  deepEqual(decodeRecallHandle(text), handle)
  equal(encodeRecallHandle({ ...handle, topic: 'T' }).length % 4, 0)
})

test('the encoder on bytes gives the same, whatever the lengths', () => {
  const encoder = new RecallHandleEncoder()
  for (const topic of ['T', 'T', 'Topic', 't'.repeat(127), 'T'.repeat(3000)]) {
    for (const messageId of ['', 'i', 'ñ', '7F000001A2B418B4AAC2000000000001', 'x'.repeat(2500)]) {
      for (const timestamp of [0, 1_700_000_000_000, Number.MAX_SAFE_INTEGER]) {
        const id = Buffer.from(`--${messageId}--`)
        const encoded = encoder.encode(topic, 'broker-ä', timestamp, id, 2, id.length - 2)
        equal(encoded, encodeRecallHandle({ topic, brokerName: 'broker-ä', timestamp: String(timestamp), messageId }))
      }
    }
  }
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
