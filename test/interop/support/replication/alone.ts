import { deepEqual, equal, ok } from 'node:assert/strict'
import { parseRecords } from '../../../support/commitlog-reader.ts'
import type { ClientVersion } from '../../../support/java-projects.ts'
import { withRawClient } from '../../../support/raw-client.ts'
import { pullOnce, sendV2 } from '../../../support/raw-messages.ts'
import { makeMessages } from '../messages.ts'
import { keysOf, plain, withKey } from '../semantics/delivery.ts'
import { eventually, type SemanticsStage } from '../semantics/stage.ts'
import { half, TransactionProducer } from '../semantics/transactions.ts'
import { Ledger } from './ledger.ts'

const CONSUMER_SEND_MSG_BACK = 36
const SLAVE_NOT_AVAILABLE = 11
const HEARTBEAT = 34
const BOTH_VERSIONS: readonly ClientVersion[] = ['4.9.8', '5.3.3']

/** A behaviour of a SYNC_MASTER that has no slave. */
export interface AloneScenario {
  readonly name: string
  /** Default: 4.9.8 alone, when only the broker matters. */
  readonly versions?: readonly ClientVersion[]
  run(stage: SemanticsStage): Promise<void>
}

const sends: AloneScenario = {
  name: 'sends answer SLAVE_NOT_AVAILABLE with ids and offsets, and what was sent is there',
  versions: BOTH_VERSIONS,
  async run(stage) {
    const ledger = await Ledger.open(stage, 'Alone')
    await ledger.sendAll('alone', 'SLAVE_NOT_AVAILABLE')
    await ledger.readAndCheck()
    const member = await stage.consumer(ledger.topic)
    ledger.check(await member.receives(ledger.sent.length))
    await member.stop()
  },
}

const unwaited: AloneScenario = {
  name: 'a message that does not wait for its store answers SEND_OK',
  versions: BOTH_VERSIONS,
  async run(stage) {
    const ledger = await Ledger.open(stage, 'Unwaited')
    for (const mode of ['sync', 'async', 'batch'] as const) {
      const messages = makeMessages(`${ledger.topic}-${mode}`, 2)
      const relaxed = messages.map((message) => ({ ...message, waitStoreMsgOk: false }))
      deepEqual([...(await ledger.send(mode, relaxed))], ['SEND_OK'], mode)
    }
    await ledger.readAndCheck()
  },
}

const halves: AloneScenario = {
  name: 'a half message no slave has is rolled back by the client and never asked about; others are not concerned',
  versions: BOTH_VERSIONS,
  async run(stage) {
    const topic = await stage.topic('AloneTransaction')
    const producer = await TransactionProducer.start(stage, stage.name('alone-transactions'))
    const member = await stage.consumer(topic)
    const unwaited = { waitStoreMsgOk: false }
    const results = await producer.send(topic, [
      half('waits', 'COMMIT', 'COMMIT'),
      { ...half('commits', 'COMMIT', 'COMMIT'), ...unwaited },
      { ...half('asks', 'UNKNOW', 'COMMIT'), ...unwaited },
    ])
    deepEqual(
      results.map(({ status, localState }) => [status, localState]),
      [
        ['SLAVE_NOT_AVAILABLE', 'ROLLBACK_MESSAGE'],
        ['SEND_OK', 'COMMIT_MESSAGE'],
        ['SEND_OK', 'UNKNOW'],
      ],
    )
    deepEqual(new Set(keysOf(await member.receives(2))), new Set(['commits', 'asks']))
    const checks = await producer.checks()
    ok(withKey(checks, 'asks').length >= 1)
    deepEqual(withKey(checks, 'waits'), [], 'settled, though it stood before the one that was asked about')
    await producer.stop()
    await member.stop()
  },
}

const delayed: AloneScenario = {
  name: 'a delayed message is delivered, and once',
  async run(stage) {
    const topic = await stage.topic('AloneDelay', 1)
    const member = await stage.consumer(topic)
    const [first] = await stage.sends(topic, [plain('first', {}, { delayLevel: 1 })])
    equal(first!.status, 'SLAVE_NOT_AVAILABLE')
    await member.receives(1)
    // Of the same level, so that another delivery of the first one would come before it.
    await stage.sends(topic, [plain('second', {}, { delayLevel: 1 })])
    await member.receives(2)
    deepEqual(keysOf(await member.collected()), ['first', 'second'])
    await member.stop()
  },
}

const refused: AloneScenario = {
  name: 'a refused message comes again',
  async run(stage) {
    const topic = await stage.topic('AloneRetry', 1)
    const member = await stage.consumer(topic)
    await stage.sends(topic, [plain('refused', { fail: '2' })])
    const collected = await member.receives(3)
    deepEqual(
      collected.map(({ keys, reconsumeTimes }) => [keys, reconsumeTimes]),
      [0, 1, 2].map((times) => ['refused', times]),
    )
    await member.stop()
  },
}

const answers: AloneScenario = {
  name: 'the answers: a send has the code and no remark; a message sent back is taken, as is a dead one',
  async run(stage) {
    const topic = await stage.topic('AloneRaw', 1)
    const group = stage.name('alone-raw-group')
    await withRawClient(stage.pair.brokerAddress, async (client) => {
      const body = Buffer.from('raw')
      const properties = 'KEYS\u0001raw'
      const sent = await client.request(sendV2({ topic, queueId: 0, body, properties, bornTimestampMs: 1 }))
      deepEqual([sent.code, sent.remark], [SLAVE_NOT_AVAILABLE, undefined])
      deepEqual([sent.extFields.queueId, sent.extFields.queueOffset], ['0', '0'])
      const consumerDataSet = [{ groupName: group, consumeType: 'CONSUME_PASSIVELY', subscriptionDataSet: [] }]
      const consumers = { clientID: group, producerDataSet: [], consumerDataSet }
      await client.call({ code: HEARTBEAT, body: Buffer.from(JSON.stringify(consumers)) })
      const record = await eventually('the message', async () => {
        const { code, body } = await client.request(pullOnce({ topic, queueId: 0, queueOffset: 0 }))
        return code === 0 && parseRecords(body)[0]
      })
      for (const delayLevel of ['0', '-1']) {
        const extFields = { offset: String(record.physicalOffset), group, delayLevel, unitMode: 'false' }
        const back = await client.request({ code: CONSUMER_SEND_MSG_BACK, extFields })
        deepEqual([back.code, back.remark], [0, undefined], `delay level ${delayLevel}`)
      }
    })
  },
}

export const aloneScenarios: readonly AloneScenario[] = [sends, unwaited, halves, delayed, refused, answers]
