import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode, requestCodeName, requestCodeTable } from '../../lib/protocol/request-codes.ts'
import { ResponseCode, responseCodeName } from '../../lib/protocol/response-codes.ts'

test('every request code has one number and is found by it', () => {
  const codes = Object.values(RequestCode)
  equal(new Set(codes).size, codes.length)
  for (const [name, code] of Object.entries(RequestCode)) equal(requestCodeName(code), name)
  equal(requestCodeName(999_999), 'UNKNOWN_999999')
})

test('the request code table counts what the two lines of RocketMQ have', () => {
  const rows = Object.values(requestCodeTable) as readonly { since?: string; until?: string }[]
  equal(rows.filter((row) => row.since === undefined && row.until !== '4.9.7').length, 95)
  equal(rows.filter((row) => row.until === undefined).length, 158)
  equal(RequestCode.GET_BROKER_CLUSTER_ACL_CONFIG, 54)
  equal(RequestCode.POP_MESSAGE, 200_050)
})

test('codes without a handler are the obsolete ones', () => {
  const dead = Object.values(requestCodeTable).filter((row) => row.handledBy.length === 0)
  equal(dead.length, 14)
  ok(dead.some((row) => row.code === 301))
})

test('response codes have their standard numbers and names', () => {
  equal(ResponseCode.FLUSH_SLAVE_TIMEOUT, 12)
  equal(ResponseCode.FLOW_CONTROL, 215)
  equal(responseCodeName(17), 'TOPIC_NOT_EXIST')
  equal(responseCodeName(209), 'UPDATE_AND_CREATE_ACL_CONFIG_FAILED|POLLING_FULL')
  equal(responseCodeName(-5), 'UNKNOWN_-5')
})
