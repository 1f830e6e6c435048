import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { silentLogger } from '../../../lib/base/logging.ts'
import { PullService } from '../../../lib/broker/pull/pull-service.ts'
import type { MessageStore, ReadLimits, TopicHandle } from '../../../lib/store/index.ts'
import { PullStatus } from '../../../lib/store/status.ts'
import { StoreError } from '../../../lib/store/store-error.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeConnection } from '../support/fake-connection.ts'
import { NO_FILTERS } from '../support/filters.ts'

const GROUP = { consumeEnable: true, consumeBroadcastEnable: true, brokerId: 0, whichBrokerWhenConsumeSlowly: 1 }
const PULL_FOUND = 0
const SYSTEM_ERROR = 1

/** The pull path on a store whose messages are on disk until they have been read ahead. */
const coldPath = () => {
  const calls: string[] = []
  const limitsSet: ReadLimits[] = []
  let limits: ReadLimits = { memoryWindowBytes: 1024, maxCountOnDisk: 8, maxBytesOnDisk: 64 }
  let endReading: { resolve: (wasRead: boolean) => void; reject: (error: Error) => void } | undefined
  const store = {
    topic: () => 0 as TopicHandle,
    pull: (...call: Parameters<MessageStore['pull']>) => {
      const { cells } = call[8]
      const mayWait = call[9] === true
      calls.push(mayWait ? 'pull and wait' : 'pull')
      cells.fill(0)
      cells[0] = mayWait ? PullStatus.FOUND : PullStatus.NOT_IN_MEMORY
    },
    readAhead: (...call: Parameters<MessageStore['readAhead']>) => {
      calls.push(`read ahead ${call.slice(1, 4).join(' ')}`)
      return new Promise<boolean>((resolve, reject) => {
        endReading = { resolve, reject }
      })
    },
    setReadLimits: (wanted: ReadLimits) => void limitsSet.push(wanted),
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
      get readLimits() {
        return limits
      },
    },
    effects: {
      commitOffset: () => undefined,
      messagesGot: () => undefined,
      groupGot: () => undefined,
      offsetMoved: () => undefined,
    },
    clock: new ManualClock(),
    logger: silentLogger,
  })
  const pull = (connection: FakeConnection): void =>
    service.pull({
      ...{ connection, opaque: 1, serializeType: 1 as const },
      oneway: false,
      group: 'G',
      topic: 'T',
      queueId: 0,
      queueOffset: 5,
      maxMessages: 16,
      sysFlag: 4,
      commitOffset: 0,
      suspendTimeoutMs: 0,
      subVersion: 0,
      subscription: '*',
      expressionType: 'TAG',
    })
  return {
    calls,
    limitsSet,
    pull,
    changeLimits: (wanted: ReadLimits) => {
      limits = wanted
    },
    reading: () => endReading!,
  }
}

test('a pull of messages that are on disk is answered after the store read them on its own threads', async () => {
  const { calls, pull, reading } = coldPath()
  const connection = new FakeConnection()
  pull(connection)
  deepEqual([connection.sent.length, calls], [0, ['pull', 'read ahead 0 5 16']])
  reading().resolve(true)
  await setImmediate()
  deepEqual(calls, ['pull', 'read ahead 0 5 16', 'pull and wait'])
  deepEqual(
    connection.sent.map(({ code }) => code),
    [PULL_FOUND],
  )
})

test('when too much waits for the disk already the pull is served all the same', async () => {
  const { calls, pull, reading } = coldPath()
  const connection = new FakeConnection()
  pull(connection)
  reading().resolve(false)
  await setImmediate()
  equal(calls.at(-1), 'pull and wait')
  equal(connection.sent.length, 1)
})

test('nobody is answered whose connection closed meanwhile, and a store that closes is an error', async () => {
  const { calls, pull, reading } = coldPath()
  const [gone, stays] = [new FakeConnection(), new FakeConnection()]
  pull(gone)
  const first = reading()
  pull(stays)
  gone.close()
  first.resolve(true)
  reading().reject(new StoreError('STORE_CLOSED', 'the store is closed'))
  await setImmediate()
  equal(calls.includes('pull and wait'), false)
  deepEqual([gone.sent.length, stays.sent.map(({ code }) => code)], [0, [SYSTEM_ERROR]])
})

test('the limits for old messages are given to the store once, and again when they change', () => {
  const { limitsSet, pull, changeLimits } = coldPath()
  const connection = new FakeConnection()
  pull(connection)
  pull(connection)
  equal(limitsSet.length, 1)
  const wanted = { memoryWindowBytes: 1, maxCountOnDisk: 2, maxBytesOnDisk: 3 }
  changeLimits(wanted)
  pull(connection)
  deepEqual(limitsSet.at(-1), wanted)
  equal(limitsSet.length, 2)
})
