import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { LongPolling } from '../../../lib/broker/pull/long-polling.ts'
import { type PullEffects, PullService } from '../../../lib/broker/pull/pull-service.ts'
import type { MessageStore, TopicHandle } from '../../../lib/store/index.ts'
import { PullStatus } from '../../../lib/store/status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from '../support/fake-connection.ts'

const GROUP = { consumeEnable: true, consumeBroadcastEnable: true, brokerId: 0, whichBrokerWhenConsumeSlowly: 1 }
const EVERYTHING_AND_SUSPEND = 4 | 2

/** The pull path on a store that always finds the same. */
const pullPath = (status: PullStatus, nextBeginOffset: number) => {
  const clock = new ManualClock()
  const watched: number[] = []
  const got: number[] = []
  let arrived: ((topic: TopicHandle, queueId: number) => void) | undefined
  const store = {
    topic: () => 0 as TopicHandle,
    pull: (...call: Parameters<MessageStore['pull']>) => {
      const { cells } = call[8]
      cells.fill(0)
      cells[0] = status
      cells[1] = nextBeginOffset
    },
    watch: (_topic: TopicHandle, _queueId: number, beyond: number) => void watched.push(beyond),
    onArrival: (listener: typeof arrived) => {
      arrived = listener
    },
  }
  const effects: PullEffects = {
    commitOffset: () => undefined,
    messagesGot: (count) => void got.push(count),
    offsetMoved: () => undefined,
  }
  const service = new PullService({
    store,
    sources: {
      topics: { get: () => ({ perm: 6, readQueueNums: 1 }) },
      groups: { find: () => GROUP },
      consumers: { group: () => undefined, subscription: () => undefined },
      store,
      broker: { address: '127.0.0.1', readable: () => true },
    },
    settings: {
      maxTransferCount: 32,
      maxTransferBytes: 1024,
      longPollingEnable: true,
      shortPollingTimeMs: 1000,
      slaveReadEnable: false,
      memoryWindowBytes: 1024,
    },
    effects,
    logger: silentLogger,
  })
  const polling = new LongPolling(store, clock, service.wake)
  service.polling = polling
  const pull = (connection: FakeConnection, suspendTimeoutMs: number): void =>
    service.pull({
      to: { connection, opaque: 1, serializeType: 1 },
      group: 'G',
      topic: 'T',
      queueId: 0,
      queueOffset: 5,
      maxMessages: 32,
      sysFlag: EVERYTHING_AND_SUSPEND,
      commitOffset: 0,
      suspendTimeoutMs,
      subVersion: 0,
      subscription: '*',
      expressionType: 'TAG',
    })
  return { clock, polling, pull, watched, got, arrive: () => arrived?.(0 as TopicHandle, 0) }
}

test('a pull of an offset that cannot be read is sent on at once: waiting would never end, nor rest', () => {
  const { polling, pull, watched } = pullPath(PullStatus.OFFSET_FOUND_NULL, 300_000)
  const connection = new FakeConnection()
  pull(connection, 15_000)
  deepEqual([polling.count, watched], [0, []])
  const [answer] = connection.sent
  deepEqual([answer?.code, answer?.extFields?.get('nextBeginOffset')], [19, '300000'])
})

test('pulls of connections that are gone make room, however long they wanted to wait', () => {
  const { clock, polling, pull } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const [stays, leaves] = [new FakeConnection(), new FakeConnection()]
  pull(stays, 2 ** 50)
  pull(leaves, 2 ** 50)
  pull(leaves, 1_000)
  equal(polling.count, 3)
  leaves.close()
  clock.advance(5_100)
  equal(polling.count, 1)
  deepEqual([stays.sent.length, leaves.sent.length], [0, 0])
})

test('every look into the store is counted, those in vain as such', () => {
  const { pull, got, arrive } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  pull(new FakeConnection(), 15_000)
  arrive()
  deepEqual(got, [0, 0])
})
