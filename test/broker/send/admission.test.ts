import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendAdmission, type TopicLoad } from '../../../lib/broker/send/admission.ts'
import { ResponseError } from '../../../lib/net/handler.ts'
import { ResponseCode } from '../../../lib/protocol/response-codes.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const setUp = ({ capacity = 100, busyAfterMs = 1000, maxBacklogBytes = 0 } = {}) => {
  const clock = new ManualClock()
  const backlog = { bytes: 0 }
  const settings = {
    capacity: () => capacity,
    busyAfterMs: () => busyAfterMs,
    maxBacklogBytes: () => maxBacklogBytes,
  }
  const admission = new SendAdmission(clock, settings, () => backlog.bytes)
  return { clock, admission, backlog }
}

const load = (): TopicLoad => ({ waiting: 0 })
const times = (count: number, topic: TopicLoad): TopicLoad[] => Array.from({ length: count }, () => topic)
const busy = (reason: RegExp) => (error: unknown) =>
  error instanceof ResponseError && error.responseCode === ResponseCode.SYSTEM_BUSY && reason.test(error.message)

test('a topic alone may use the whole capacity, and no more', () => {
  const { admission } = setUp()
  const topic = load()
  admission.held(times(99, topic))
  admission.check(topic)
  admission.held([topic])
  assert.throws(() => admission.check(topic), busy(/^\[OVERLOAD\]system busy.*SEND_BACKLOG: 100 sends wait/))
})

test('the burst of one topic does not stop another', () => {
  const { admission } = setUp()
  const burst = load()
  const quiet = load()
  admission.held(times(100, burst))
  admission.check(quiet)
  admission.held([quiet])
  admission.check(quiet)
  assert.throws(() => admission.check(burst), busy(/SEND_BACKLOG/))
})

test('a topic that used all of the capacity is held to its share as soon as another comes', () => {
  const { admission } = setUp()
  const burst = load()
  const groups = [admission.held(times(60, burst)), admission.held(times(40, burst))]
  const other = load()
  admission.held([other])
  admission.released(groups[1]!)
  assert.throws(() => admission.check(burst), busy(/60 of them of this topic, whose share of 100 is 50/))
})

test('sends are taken again by themselves when what waited was answered', () => {
  const { admission } = setUp()
  const topic = load()
  const group = admission.held(times(100, topic))
  assert.throws(() => admission.check(topic), busy(/SEND_BACKLOG/))
  admission.released(group)
  admission.check(topic)
  assert.deepEqual(admission.state, { waiting: 0, oldestWaitMs: 0, slowAppendMs: 0 })
})

test('the state tells how many wait and how long the oldest has', () => {
  const { admission, clock } = setUp()
  const topic = load()
  const first = admission.held([topic])
  clock.advance(300)
  admission.held([topic, topic])
  assert.deepEqual(admission.state, { waiting: 3, oldestWaitMs: 300, slowAppendMs: 0 })
  admission.released(first)
  assert.deepEqual(admission.state, { waiting: 2, oldestWaitMs: 0, slowAppendMs: 0 })
})

test('with slow appends one send at a time is let through, until one is quick', () => {
  const { admission, clock } = setUp()
  const topic = load()
  admission.appended(1500)
  assert.equal(admission.state.slowAppendMs, 1500)
  admission.check(topic)
  assert.throws(
    () => admission.check(topic),
    busy(/^\[REJECTREQUEST\]system busy.*APPEND_SLOW: the last append took 1500 ms/),
  )
  clock.advance(100)
  admission.check(topic)
  admission.appended(2)
  admission.check(topic)
  admission.check(topic)
})

test('appends within the limit make nobody busy', () => {
  const { admission } = setUp()
  admission.appended(1000)
  admission.check(load())
  admission.check(load())
})

test('while more of the log waits for the device than may, sends are refused; when it is written they are taken', () => {
  const { admission, backlog } = setUp({ maxBacklogBytes: 1000 })
  const topic = load()
  backlog.bytes = 1000
  admission.appended(0)
  admission.check(topic)
  backlog.bytes = 1001
  admission.appended(0)
  assert.throws(() => admission.check(topic), busy(/^\[OVERLOAD\]system busy.*FLUSH_BACKLOG: 1001 bytes wait .* 1000$/))
  assert.throws(() => admission.check(load()), busy(/FLUSH_BACKLOG/))
  backlog.bytes = 900
  admission.check(topic)
})

test('without a limit any backlog is fine', () => {
  const { admission, backlog } = setUp()
  backlog.bytes = 2 ** 40
  admission.appended(0)
  admission.check(load())
})
