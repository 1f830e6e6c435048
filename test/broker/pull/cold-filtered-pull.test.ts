import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'

import { silentLogger } from '../../../lib/base/logging.ts'
import { type LongPolling, ParkedPull } from '../../../lib/broker/pull/long-polling.ts'
import type { PullPlan } from '../../../lib/broker/pull/pull-plan.ts'
import { MAX_FILTERED_ENTRIES } from '../../../lib/broker/pull/pull-reader.ts'
import { PullService } from '../../../lib/broker/pull/pull-service.ts'
import { encodeRecord } from '../../../lib/protocol/message-codec.ts'
import type { MessageStore, TopicHandle } from '../../../lib/store/index.ts'
import { PullStatus } from '../../../lib/store/status.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { FakeConnection } from '../support/fake-connection.ts'
import { SQL_FILTERS } from '../support/filters.ts'

const FOUND = 0
const NO_MATCHED = 20
const AHEAD = 16
const host = { bytes: Buffer.alloc(4), port: 1 }
const numbers = { queueId: 0, flag: 0, sysFlag: 0, bornTimestamp: 1, storeTimestamp: 1, reconsumeTimes: 0 }

const record = (queueOffset: number): Buffer =>
  encodeRecord({
    ...{ ...numbers, queueOffset, physicalOffset: 0, preparedTransactionOffset: 0, bornHost: host, storeHost: host },
    ...{ body: Buffer.alloc(0), topic: 'T', properties: new Map([['n', String(queueOffset)]]) },
  })

/** The pull path on a queue of `count` messages that are on disk until they have been read ahead, 16 at a time. */
const coldQueue = (count: number) => {
  let end = count
  let inMemory = 0
  const ahead: number[] = []
  const store = {
    topic: () => 0 as TopicHandle,
    setReadLimits: () => undefined,
    pull: (...[, , from, maxCount, , , into, start, result, mayWait]: Parameters<MessageStore['pull']>) => {
      let [at, to] = [from, start]
      for (; at < end && at < from + maxCount && (at < inMemory || (mayWait === true && at === from)); at++) {
        to += record(at).copy(into, to)
      }
      const nothing = from >= end ? PullStatus.OFFSET_OVERFLOW_ONE : PullStatus.NOT_IN_MEMORY
      result.replace(at > from ? PullStatus.FOUND : nothing, at, at - from, to - start)
    },
    readAhead: async (...[, , from]: Parameters<MessageStore['readAhead']>) => {
      ahead.push(from)
      inMemory = from + AHEAD
      return true
    },
  }
  const service = new PullService({
    store,
    sources: {
      topics: { get: () => ({ perm: 6, readQueueNums: 1 }) },
      groups: {
        find: () => ({
          consumeEnable: true,
          consumeBroadcastEnable: true,
          brokerId: 0,
          whichBrokerWhenConsumeSlowly: 1,
        }),
      },
      consumers: { group: () => undefined, subscription: () => undefined },
      filters: SQL_FILTERS,
      store,
      broker: { address: '127.0.0.1', readable: () => true },
    },
    settings: {
      ...{ maxTransferCount: 32, maxTransferBytes: 262_144, longPollingEnable: true, shortPollingTimeMs: 1000 },
      ...{ slaveReadEnable: false, memoryWindowBytes: 1024 },
      readLimits: { memoryWindowBytes: 1024, maxCountOnDisk: 8, maxBytesOnDisk: 64 },
    },
    effects: {
      commitOffset: () => undefined,
      messagesGot: () => undefined,
      offsetMoved: () => undefined,
      groupGot: () => undefined,
    },
    clock: new ManualClock(),
    logger: silentLogger,
  })
  return {
    service,
    ahead,
    grow: (to: number) => {
      end = to
    },
  }
}

const answerTo = async (service: PullService, subscription: string): Promise<unknown> => {
  const connection = new FakeConnection()
  service.pull({
    ...{ connection, opaque: 1, serializeType: 1 as const },
    ...{ oneway: false, group: 'G', topic: 'T', queueId: 0, queueOffset: 0, maxMessages: 32, sysFlag: 4 },
    ...{ commitOffset: 0, suspendTimeoutMs: 0, subVersion: 0, subscription, expressionType: 'SQL92' },
  })
  const [answer] = await waitFor('the answer', async () => {
    await setImmediate()
    return connection.sent.length > 0 && connection.sent
  })
  return [answer!.code, answer!.extFields?.get('nextBeginOffset')]
}

test('a filter looks through messages on disk as the store reads them, until some pass', async () => {
  const { service, ahead } = coldQueue(1000)
  deepEqual(await answerTo(service, 'n >= 40'), [FOUND, '48'])
  deepEqual(ahead, [0, 16, 32])
})

test('it gives up after as many messages as in memory, and the consumer goes on from there', async () => {
  const { service, ahead } = coldQueue(1000)
  deepEqual(await answerTo(service, 'n < 0'), [NO_MATCHED, String(MAX_FILTERED_ENTRIES)])
  equal(ahead.length, MAX_FILTERED_ENTRIES / AHEAD)
})

test('a pull that waited looks at all that came, wherever that is', async () => {
  const { service, grow } = coldQueue(0)
  const parked: ParkedPull[] = []
  const park = (plan: PullPlan, scannedTo: number): boolean => {
    const one = new ParkedPull()
    one.copy(plan)
    one.scannedTo = scannedTo
    return parked.push(one) > 0
  }
  service.polling = { park, parkAgain: (one: ParkedPull) => parked.push(one) > 0 } as unknown as LongPolling
  const connection = new FakeConnection()
  service.pull({
    ...{ connection, opaque: 1, serializeType: 1 as const },
    ...{ oneway: false, group: 'G', topic: 'T', queueId: 0, queueOffset: 0, maxMessages: 32, sysFlag: 4 | 2 },
    ...{ commitOffset: 0, suspendTimeoutMs: 1000, subVersion: 0, subscription: 'n >= 150', expressionType: 'SQL92' },
  })
  equal(parked.length, 1)
  grow(200)
  service.wake(parked[0]!, 'arrival')
  deepEqual([connection.sent[0]?.code, connection.sent[0]?.extFields?.get('nextBeginOffset')], [FOUND, '182'])
})
