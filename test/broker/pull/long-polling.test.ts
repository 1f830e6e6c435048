import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { LongPolling, MAX_PARKED_PER_CONNECTION } from '../../../lib/broker/pull/long-polling.ts'
import { pullHandlers } from '../../../lib/broker/pull/pull-handlers.ts'
import {
  MAX_SUSPEND_MS,
  type PullEffects,
  PullService,
  type PullSettings,
} from '../../../lib/broker/pull/pull-service.ts'
import { FLAG_ONEWAY, type RemotingCommand } from '../../../lib/protocol/remoting-command.ts'
import { PullSysFlag } from '../../../lib/protocol/sys-flags.ts'
import type { MessageStore, TopicHandle } from '../../../lib/store/index.ts'
import { PullStatus } from '../../../lib/store/status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from '../support/fake-connection.ts'
import { NO_FILTERS } from '../support/filters.ts'

const GROUP = { consumeEnable: true, consumeBroadcastEnable: true, brokerId: 0, whichBrokerWhenConsumeSlowly: 1 }
const EVERYTHING_AND_SUSPEND = 4 | 2

/** The pull path on a store that always finds the same. */
const pullPath = (
  status: PullStatus,
  nextBeginOffset: number,
  { behindBytes = 0, ...more }: Partial<PullSettings> & { readonly behindBytes?: number } = {},
) => {
  const clock = new ManualClock()
  const watched: number[] = []
  const hurries: boolean[] = []
  const got: number[] = []
  let arrived: ((topic: TopicHandle, queueId: number) => void) | undefined
  const store = {
    topic: () => 0 as TopicHandle,
    pull: (...call: Parameters<MessageStore['pull']>) => {
      const { cells } = call[8]
      cells.fill(0)
      cells[0] = status
      cells[1] = nextBeginOffset
      cells[7] = behindBytes
    },
    readAhead: async () => true,
    setReadLimits: () => undefined,
    setHurry: (hurry: boolean) => void hurries.push(hurry),
    watch: (_topic: TopicHandle, _queueId: number, beyond: number) => void watched.push(beyond),
    onArrival: (listener: typeof arrived) => {
      arrived = listener
    },
  }
  const committed: number[] = []
  const moved: number[][] = []
  const effects: PullEffects = {
    commitOffset: (_group, _topic, _queueId, queueOffset) => void committed.push(queueOffset),
    messagesGot: (count) => void got.push(count),
    groupGot: () => undefined,
    offsetMoved: ({ asked, corrected }) => void moved.push([asked, corrected]),
  }
  const service = new PullService({
    store,
    sources: {
      topics: { get: () => ({ perm: 6, readQueueNums: 1 }) },
      groups: { find: () => GROUP },
      consumers: { group: () => undefined, subscription: () => undefined },
      filters: NO_FILTERS,
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
      readLimits: { memoryWindowBytes: 1024, maxCountOnDisk: 8, maxBytesOnDisk: 1024 },
      ...more,
    },
    effects,
    clock,
    logger: silentLogger,
  })
  const polling = new LongPolling(store, clock, service.wake)
  service.polling = polling
  const pull = (connection: FakeConnection, suspendTimeoutMs: number): void =>
    service.pull({
      ...{ connection, opaque: 1, serializeType: 1 as const },
      oneway: false,
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
  return {
    clock,
    service,
    polling,
    pull,
    committed,
    moved,
    watched,
    hurries,
    got,
    arrive: () => arrived?.(0 as TopicHandle, 0),
  }
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

test('the store is told to hurry while pulls wait, until none has for a while', () => {
  const { clock, polling, pull, hurries } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const connection = new FakeConnection()
  deepEqual(hurries, [])
  pull(connection, 1_000)
  pull(connection, 7_000)
  clock.advance(5_100)
  deepEqual([polling.count, hurries], [1, [true]])
  clock.advance(5_100)
  deepEqual([polling.count, hurries], [0, [true, false]])
  pull(connection, 1_000)
  deepEqual(hurries, [true, false, true])
})

test('one connection parks so many pulls, what it asks beyond is answered at once', () => {
  const { clock, polling, pull } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const [greedy, other] = [new FakeConnection(), new FakeConnection()]
  for (let count = 0; count < MAX_PARKED_PER_CONNECTION; count++) pull(greedy, 1_000)
  deepEqual([polling.count, greedy.sent.length], [MAX_PARKED_PER_CONNECTION, 0])
  pull(greedy, 1_000)
  pull(other, 5_000)
  deepEqual([polling.count, greedy.sent.map(({ code }) => code)], [MAX_PARKED_PER_CONNECTION + 1, [19]])
  clock.advance(1_100)
  equal(greedy.sent.length, MAX_PARKED_PER_CONNECTION + 1)
  pull(greedy, 1_000)
  equal(polling.count, 2)
})

test('nobody waits longer than ten minutes', () => {
  const { clock, polling, pull } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const connection = new FakeConnection()
  pull(connection, 2 ** 63)
  clock.advance(MAX_SUSPEND_MS - 1)
  equal(polling.count, 1)
  clock.advance(101)
  deepEqual([polling.count, connection.sent.map(({ code }) => code)], [0, [19]])
})

test('a pull that wants no answer gets none, and its offset is taken', async () => {
  const { service, polling, committed } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const connection = new FakeConnection()
  const extFields = new Map(
    Object.entries({
      consumerGroup: 'G',
      topic: 'T',
      queueId: '0',
      queueOffset: '5',
      maxMsgNums: '32',
      sysFlag: String(EVERYTHING_AND_SUSPEND | PullSysFlag.COMMIT_OFFSET),
      commitOffset: '4',
      suspendTimeoutMillis: '15000',
      subVersion: '0',
    }),
  )
  const body = Buffer.alloc(0)
  const request: RemotingCommand = {
    code: 11,
    opaque: 1,
    flag: FLAG_ONEWAY,
    version: 0,
    language: undefined,
    remark: undefined,
    extFields,
    body,
    serializeType: 1,
  }
  for (const { answer } of pullHandlers(service)) equal(answer({ connection, request }), undefined)
  deepEqual([connection.sent, polling.count, committed], [[], 0, [4, 4]])
})

test('every look into the store is counted, those in vain as such', () => {
  const { pull, got, arrive } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  pull(new FakeConnection(), 15_000)
  arrive()
  deepEqual(got, [0, 0])
})

test('without long polling a pull that finds nothing waits the short time, whatever arrives', () => {
  const { clock, polling, pull, watched, arrive } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5, {
    longPollingEnable: false,
    shortPollingTimeMs: 700,
  })
  const connection = new FakeConnection()
  pull(connection, 15_000)
  arrive()
  deepEqual([polling.count, watched, connection.sent], [1, [], []])
  clock.advance(800)
  deepEqual([polling.count, connection.sent.map(({ code }) => code)], [0, [19]])
})

test('pulls that wait one after the other are each answered as they asked', () => {
  const { clock, polling, pull } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const [first, second, third] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
  pull(first, 1_000)
  clock.advance(1_100)
  pull(second, 1_000)
  pull(third, 2_000)
  clock.advance(1_100)
  deepEqual([polling.count, first.sent.length, second.sent.length, third.sent.length], [1, 1, 1, 0])
  clock.advance(1_000)
  deepEqual([polling.count, first.sent.length, second.sent.length, third.sent.length], [0, 1, 1, 1])
})

test('what waits in a queue is woken once by an arrival, though it waits again', () => {
  const { polling, pull, arrive, watched } = pullPath(PullStatus.OFFSET_OVERFLOW_ONE, 5)
  const connections = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
  for (const connection of connections) pull(connection, 10_000)
  equal(watched.length, 3)
  arrive()
  deepEqual([polling.count, watched.length], [3, 6])
  arrive()
  deepEqual([polling.count, watched.length], [3, 9])
})

const suggested = (settings: Parameters<typeof pullPath>[2], status: PullStatus = PullStatus.FOUND): unknown[] => {
  const { pull, moved } = pullPath(status, 5, { memoryWindowBytes: 100, ...settings })
  const connection = new FakeConnection()
  pull(connection, 0)
  const [answer] = connection.sent
  return [answer?.code, answer?.extFields?.get('suggestWhichBrokerId'), moved.length]
}

test('consumers far behind are sent to a slave when slaves may be read', () => {
  deepEqual(suggested({ slaveReadEnable: true, behindBytes: 101 }), [0, '1', 0])
  deepEqual(suggested({ slaveReadEnable: true, behindBytes: 100 }), [0, '0', 0])
  deepEqual(suggested({ slaveReadEnable: false, behindBytes: 101 }), [0, '0', 0])
})

test('a slave corrects no offset unless it is to, and stores none', () => {
  const badly = PullStatus.OFFSET_OVERFLOW_BADLY
  deepEqual(suggested({}, badly), [21, '0', 1])
  deepEqual(suggested({ isSlave: true }, badly), [20, '0', 0])
  deepEqual(suggested({ isSlave: true, checkOffsetInSlave: true }, badly), [21, '0', 1])
  const { service, committed } = pullPath(PullStatus.FOUND, 5, { isSlave: true })
  const to = { connection: new FakeConnection(), opaque: 1, serializeType: 1 } as const
  service.pull({
    ...{ ...to, oneway: false, group: 'G', topic: 'T', queueId: 0, queueOffset: 5, maxMessages: 1 },
    ...{ sysFlag: 4 | PullSysFlag.COMMIT_OFFSET, commitOffset: 4, suspendTimeoutMs: 0, subVersion: 0 },
    ...{ subscription: '*', expressionType: 'TAG' },
  })
  deepEqual(committed, [])
})
