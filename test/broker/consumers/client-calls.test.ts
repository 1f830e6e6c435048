import { rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_CLIENT_BACKLOG_BYTES, relayToConsumer } from '../../../lib/broker/consumers/client-calls.ts'
import { NetError } from '../../../lib/net/net-error.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import { FakeConnection } from '../support/fake-connection.ts'

test('a consumer that does not answer in time is told as Java tells it', async () => {
  const connection = new FakeConnection()
  connection.request = () => Promise.reject(new NetError('NET_TIMEOUT', 'no answer in 10000 ms', { retryable: true }))
  const member = { connection, clientId: 'c', language: 0, version: 409, updatedAtMs: 0, seenAtMs: 0 }
  await rejects(
    relayToConsumer({ members: () => [member] }, 'G', 'c', { code: 307, extFields: new Map(), body: Buffer.alloc(0) }),
    { responseCode: ResponseCode.CONSUME_MSG_TIMEOUT, message: /^consumer <G> <c> Timeout: / },
  )
})

test('nothing is kept for a consumer that does not read', async () => {
  const connection = new FakeConnection()
  connection.backlogBytes = MAX_CLIENT_BACKLOG_BYTES + 1
  const member = { connection, clientId: 'c', language: 0, version: 409, updatedAtMs: 0, seenAtMs: 0 }
  await rejects(
    relayToConsumer({ members: () => [member] }, 'G', 'c', { code: 309, extFields: new Map(), body: Buffer.alloc(0) }),
    { responseCode: ResponseCode.SYSTEM_ERROR, message: /^the client <c> has not read 67108865 bytes/ },
  )
})
