import { deepEqual, equal, ok } from 'node:assert/strict'
import type { OutgoingMessage, ReceivedMessage, SentMessage } from '../../../support/java-client.ts'
import { keysOf, plain, sorted, withKey } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, type SemanticsStage, startDriver } from './stage.ts'

/** Short enough to wait for; to be given to the broker. */
export const TRANSACTION_SETTINGS = {
  transactionTimeOut: '4000',
  transactionCheckInterval: '1000',
  transactionCheckMax: '10',
}
const CHECK_MAX = 10
const DISCARDED = 'TRANS_CHECK_MAX_TIME_TOPIC'

type Check = ReceivedMessage & { readonly arrivedAtMs: number; readonly transactionId: string }
type SentInTransaction = SentMessage & { readonly localState: string }
type State = 'COMMIT' | 'ROLLBACK' | 'UNKNOW' | 'THROW'

/** A message that says what its transaction comes to. */
export const half = (keys: string, local: State, checks: string, more: Record<string, string> = {}): OutgoingMessage =>
  plain(keys, { local, checks, ...more }, { tags: 'TagA' })

export class TransactionProducer {
  readonly #driver: SemanticsStage['driver']
  readonly name: string

  constructor(driver: SemanticsStage['driver'], name: string) {
    this.#driver = driver
    this.name = name
  }

  static async start(stage: SemanticsStage, group: string, driver = stage.driver): Promise<TransactionProducer> {
    const { name, namesrvAddress } = stage.settings('transactions')
    const settings = { name, instance: name, group, namesrvAddress, pollNameServerMs: 1000 }
    await driver.call('createTransactionProducer', settings)
    return new TransactionProducer(driver, name)
  }

  send(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly SentInTransaction[]> {
    const encoded = messages.map((message) => ({ ...message, body: message.body.toString('base64') }))
    return this.#driver.call('sendInTransaction', { producer: this.name, topic, messages: encoded })
  }

  checks(): Promise<readonly Check[]> {
    return this.#driver.call('transactionChecks', { producer: this.name })
  }

  stop(): Promise<void> {
    return this.#driver.call('stopTransactionProducer', { producer: this.name })
  }
}

export const transactionOutcomes: SemanticsScenario = {
  name: 'transactions: commit, rollback, and the unknown ones settled at check-backs, across a restart of the broker',
  needs: ['transactions'],
  async run(stage) {
    const topic = await stage.topic('Transaction')
    const producer = await TransactionProducer.start(stage, stage.name('transaction-group'))
    const member = await stage.consumer(topic, { expression: 'TagA' })
    const sent = [
      half('commit', 'COMMIT', 'ROLLBACK'),
      half('rollback', 'ROLLBACK', 'COMMIT'),
      half('check-commit', 'UNKNOW', 'COMMIT'),
      half('check-rollback', 'UNKNOW', 'ROLLBACK'),
      half('check-twice', 'UNKNOW', 'UNKNOW COMMIT'),
      half('check-late', 'UNKNOW', 'UNKNOW UNKNOW UNKNOW UNKNOW COMMIT'),
      half('thrown', 'THROW', 'COMMIT'),
      half('immune', 'UNKNOW', 'COMMIT', { CHECK_IMMUNITY_TIME_IN_SECONDS: '6' }),
    ]
    const results = await producer.send(topic, sent)
    ok(
      results.every(({ status }) => status === 'SEND_OK'),
      'all were stored',
    )
    await member.receives(1)
    deepEqual(keysOf(await member.collected())[0], 'commit')
    await stage.brokerRestarts()

    const later = [half('later-commit', 'COMMIT', 'ROLLBACK'), half('later-check', 'UNKNOW', 'THROW COMMIT')]
    await producer.send(topic, later)
    const settledByChecks = ['check-commit', 'check-twice', 'check-late', 'thrown', 'immune']
    const committed = ['commit', ...settledByChecks, 'later-commit', 'later-check']
    const collected = await eventually('all committed messages', async () => {
      const messages = await member.collected()
      const absent = committed.filter((keys) => withKey(messages, keys).length === 0)
      if (absent.length > 0) throw new Error(`not there yet: ${absent}`)
      return messages
    })
    deepEqual(sorted([...new Set(keysOf(collected))]), sorted(committed))
    for (const message of collected) {
      const index = sent.findIndex(({ keys }) => keys === message.keys)
      if (index < 0) continue
      deepEqual([message.msgId, message.topic, message.tags], [results[index]!.msgId, topic, 'TagA'])
      equal(message.body, sent[index]!.body.toString('base64'))
      equal(message.sysFlag & 12, 8, 'of type commit')
    }
    const checks = await producer.checks()
    deepEqual(withKey(checks, 'commit'), [], 'what was committed is never asked about, restart or not')
    deepEqual(withKey(checks, 'rollback'), [])
    deepEqual(withKey(checks, 'later-commit'), [])
    ok(withKey(checks, 'later-check').length >= 2, 'asked again after no answer')
    for (const keys of [...settledByChecks, 'check-rollback']) {
      const index = sent.findIndex((message) => message.keys === keys)
      const of = withKey(checks, keys)
      ok(of.length >= 1, `${keys} was asked about`)
      for (const check of of) {
        deepEqual([check.transactionId, check.topic], [results[index]!.msgId, topic])
        equal(check.body, sent[index]!.body.toString('base64'))
      }
    }
    const [immune] = withKey(checks, 'immune')
    ok(immune!.arrivedAtMs - immune!.bornTimestampMs >= 6000, 'not asked about before its immunity is over')
    await producer.stop()
    await member.stop()
  },
}

export const checkAfterDeath: SemanticsScenario = {
  name: 'transactions: when a producer has died, another one of its group is asked, and its answer counts',
  needs: ['transactions'],
  async run(stage) {
    const topic = await stage.topic('TransactionDeath')
    const group = stage.name('mortal-group')
    const member = await stage.consumer(topic)
    const heir = await TransactionProducer.start(stage, group)
    // Producers of 5.x that never sent anything know no broker to tell of themselves.
    await heir.send(topic, [half('hello', 'COMMIT', 'COMMIT')])
    const doomed = await startDriver(stage.driver.version)
    try {
      const mortal = await TransactionProducer.start(stage, group, doomed)
      // Each JVM counts for itself: whatever the mortal one is asked in its last moments, it settles nothing.
      await mortal.send(topic, [half('orphan', 'UNKNOW', 'UNKNOW UNKNOW COMMIT')])
    } finally {
      await doomed.kill()
    }
    await eventually('the orphan', async () => keysOf(await member.collected()).includes('orphan'))
    // Once more when the next round of checks is due before the answer to the third is there.
    ok(withKey(await heir.checks(), 'orphan').length >= 3)
    await heir.stop()
    await member.stop()
  },
}

export const checkLimit: SemanticsScenario = {
  name: `transactions: after ${CHECK_MAX} check-backs without an answer a message is put aside, others are not held up`,
  needs: ['transactions'],
  async run(stage) {
    const topic = await stage.topic('TransactionLimit')
    const producer = await TransactionProducer.start(stage, stage.name('limit-group'))
    const key = stage.name('never')
    const sent = [half(key, 'UNKNOW', 'UNKNOW'), half('throws', 'UNKNOW', 'THROW'), half('settled', 'UNKNOW', 'COMMIT')]
    const results = await producer.send(topic, sent)
    const member = await stage.consumer(topic)
    deepEqual(keysOf(await member.receives(1)), ['settled'])
    const puller = await stage.pullConsumer()
    const discarded = await eventually(`${key} in ${DISCARDED}`, async () => {
      const messages = await stage.read(puller, DISCARDED, 1)
      return withKey(messages, key)[0]
    })
    deepEqual([discarded.body, discarded.msgId], [sent[0]!.body.toString('base64'), results[0]!.msgId])
    const checks = withKey(await producer.checks(), key)
    deepEqual(
      checks.map(({ properties }) => properties.TRANSACTION_CHECK_TIMES),
      Array.from({ length: CHECK_MAX }, (_, index) => String(index + 1)),
    )
    await producer.stop()
    await member.stop()
  },
}
