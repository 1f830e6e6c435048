import { deepEqual } from 'node:assert/strict'
import type { OutgoingMessage } from '../../../support/java-client.ts'
import { plain } from '../semantics/delivery.ts'
import type { SemanticsStage } from '../semantics/stage.ts'
import { half, TransactionProducer } from '../semantics/transactions.ts'
import type { Replica } from './replicas.ts'

/** What a broker writes by itself waits for no slave: delays, refusals and commits work while the slave stands still. */
export const checkWhilePaused = async (stage: SemanticsStage, slave: Replica): Promise<void> => {
  const topic = await stage.topic('AllPaused', 1)
  const transactions = await TransactionProducer.start(stage, stage.name('transactions-paused'))
  // Clients start before and end after: either way they wait for the answers of all brokers.
  const member = await stage.consumer(topic)
  const producer = await stage.producer()
  const send = (message: OutgoingMessage) => stage.driver.send(producer, topic, 'sync', [message])
  await slave.pause()
  const halves = await transactions.send(topic, [
    half('waits', 'COMMIT', 'COMMIT'),
    { ...half('commits', 'COMMIT', 'COMMIT'), waitStoreMsgOk: false },
  ])
  deepEqual(
    halves.map(({ status, localState }) => [status, localState]),
    [
      ['FLUSH_SLAVE_TIMEOUT', 'ROLLBACK_MESSAGE'],
      ['SEND_OK', 'COMMIT_MESSAGE'],
    ],
  )
  await send(plain('refused', { fail: '2' }))
  await send(plain('late', {}, { delayLevel: 1 }))
  await member.receives(5)
  // Takes longer than any of the others did: what comes twice comes before it.
  await send(plain('last', {}, { delayLevel: 5 }))
  const deliveries = (await member.receives(6)).map(({ keys, reconsumeTimes }) => `${keys} ${reconsumeTimes}`)
  deepEqual(deliveries.sort(), ['commits 0', 'last 0', 'late 0', 'refused 0', 'refused 1', 'refused 2'])
  slave.resume()
  await Promise.all([transactions.stop(), member.stop()])
}
