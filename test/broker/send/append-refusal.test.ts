import { deepEqual, match } from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf } from '../../../lib/broker/send/append-refusal.ts'
import type { RetentionStats } from '../../../lib/store/retention.ts'
import { AppendStatus } from '../../../lib/store/status.ts'
import { StoreError } from '../../../lib/store/store-error.ts'

const refusal = refusalOf(
  { failure: new StoreError('STORE_READ_ONLY', 'sync failed: EIO'), retention: { refusal: '' } as RetentionStats },
  4_194_304,
)

test('every way in which an append fails has its answer', () => {
  const expected = {
    INVALID_ARGUMENT: 13,
    NOT_FOUND: 1,
    CLOSED: 14,
    LOCKED: 1,
    READ_ONLY: 14,
    NO_SPACE: 14,
    IO_ERROR: 1,
    CORRUPTION: 1,
    TOO_LARGE: 13,
    TIMEOUT: 1,
    BUSY: 2,
  }
  const names = Object.keys(expected) as (keyof typeof expected)[]
  deepEqual(Object.fromEntries(names.map((name) => [name, refusal(AppendStatus[name]).code])), expected)
})

test('full memory is flow control in words that clients know, with the cause', () => {
  match(
    refusal(AppendStatus.BUSY).remark,
    /^\[REJECTREQUEST\]system busy, start flow control for a while\. Cause: STORE_BUSY: /,
  )
  match(refusal(AppendStatus.READ_ONLY).remark, /^service not available now\. .*Cause: sync failed: EIO$/)
})
