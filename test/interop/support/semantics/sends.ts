import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { OutgoingMessage } from '../../../support/java-client.ts'
import { createTopic } from '../../../support/raw-topics.ts'
import { assertEachOnce, bodyOf, makeMessages } from '../messages.ts'
import { keysOf, plain, sorted } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually } from './stage.ts'

export const batchesAndBodies: SemanticsScenario = {
  name: 'a batch, compressed bodies and user properties reach a push consumer as they were sent',
  needs: ['tags'],
  async run(stage) {
    const topic = await stage.topic('Bodies')
    const batch = makeMessages(`${topic}-batch`, 30)
    const large: readonly OutgoingMessage[] = [
      { keys: 'compressible', tags: 'TagA', body: Buffer.alloc(200_000, 'abcdefgh ') },
      { keys: 'incompressible', tags: 'TagA', body: bodyOf(topic, 100_000) },
    ]
    const settings = stage.settings('bodies')
    await stage.driver.createProducer({ ...settings, compressOverBytes: 4096 })
    await stage.driver.send(settings.name, topic, 'batch', batch)
    await stage.driver.send(settings.name, topic, 'sync', large)
    const member = await stage.consumer(topic, { expression: 'TagA || TagB', batchMessages: 8 })
    const wanted = [...batch, ...large].filter(({ tags }) => tags !== 'TagC')
    assertEachOnce(wanted, await member.receives(wanted.length))
    await member.stop()
  },
}

export const hooks: SemanticsScenario = {
  name: 'hooks of producers and consumers see every send and every delivery',
  needs: ['retry', 'delayLevels'],
  async run(stage) {
    const topic = await stage.topic('Hooks', 1)
    const settings = stage.settings('hooked')
    await stage.driver.createProducer({ ...settings, recordHooks: true })
    const member = await stage.consumer(topic, { recordHooks: true })
    await stage.driver.send(settings.name, topic, 'sync', [plain('good'), plain('twice', { fail: '1' })])
    const forbidden = stage.driver.send(settings.name, topic, 'sync', [plain('bad', { forbidden: 'yes' })])
    await rejects(forbidden, /forbidden by a hook/)
    const collected = await member.receives(3)
    ok(
      collected.every(({ properties }) => properties.addedByHook === 'before'),
      'changed by the hook',
    )
    deepEqual(
      (await stage.driver.hookRecords(settings.name)).map(({ call, keys, status }) => [call, keys, status]),
      [
        ...['good', 'twice'].flatMap((keys) => [
          ['checkForbidden', keys, undefined],
          ['sendBefore', keys, undefined],
          ['sendAfter', keys, 'SEND_OK'],
        ]),
        // Tried three times, as every failed send is.
        ...Array.from({ length: 3 }, () => ['checkForbidden', 'bad', undefined]),
      ],
    )
    const records = await eventually('six records', async () => {
      const all = await stage.driver.hookRecords(member.name)
      return all.length >= 6 && all
    })
    const after = records.filter(({ call }) => call === 'consumeAfter').map(({ keys, success }) => `${keys} ${success}`)
    deepEqual(sorted(after), ['good true', 'twice false', 'twice true'])
    await member.stop()
  },
}

export const namespaces: SemanticsScenario = {
  name: 'clients of a namespace see its topics and groups by their short names, retries included',
  needs: ['retry', 'delayLevels'],
  async run(stage) {
    const namespace = stage.name('space')
    const short = stage.name('Spaced')
    const full = `${namespace}%${short}`
    await createTopic(stage.pair, full, 1)
    const settings = { ...stage.settings('spaced'), namespace }
    await stage.driver.createProducer(settings)
    const [result] = await stage.driver.send(settings.name, short, 'sync', [plain('once', { fail: '1' })])
    const member = await stage.consumer(short, { namespace })
    const deliveries = await member.receives(2)
    deepEqual(
      deliveries.map(({ topic, reconsumeTimes, msgId }) => [topic, reconsumeTimes, msgId]),
      [0, 1].map((times) => [short, times, result!.msgId]),
    )
    const puller = await stage.pullConsumer()
    equal((await stage.read(puller, full, 1))[0]!.keys, 'once')
    const [retried] = await stage.read(puller, `%RETRY%${namespace}%${member.group}`, 1)
    equal(retried!.properties.RETRY_TOPIC, full)
    await member.stop()
  },
}

export const forbidden: SemanticsScenario = {
  name: 'groups that may not consume or broadcast and topics that may not be read or written are refused',
  needs: ['permissions'],
  async run(stage) {
    const { brokerAddress } = stage.pair
    const topic = await stage.topic('Forbidden', 1)
    await stage.sends(topic, [plain('one')])
    const update = (command: 'updateGroup' | 'updateTopic', config: Readonly<Record<string, unknown>>) =>
      stage.admin(command, { brokerAddress, config })
    await stage.read(await stage.pullConsumer(), topic, 1)
    const disabled = stage.settings('disabled')
    await update('updateGroup', { groupName: disabled.group, consumeEnable: false })
    await stage.driver.createPullConsumer(disabled)
    const [queue] = await stage.queues(disabled.name, topic)
    await rejects(stage.driver.pull(disabled.name, queue!, 0), /CODE: 16[\s\S]*subscription group no permission/)
    await update('updateGroup', { groupName: disabled.group, consumeEnable: true })
    const pulled = await stage.driver.pull(disabled.name, queue!, 0)
    deepEqual([pulled.status, keysOf(pulled.messages ?? [])], ['FOUND', ['one']])

    const aloud = stage.name('aloud')
    await update('updateGroup', { groupName: aloud, consumeBroadcastEnable: false })
    const member = await stage.consumer(topic, { group: aloud, messageModel: 'BROADCASTING' })
    const other = await stage.consumer(topic)
    await other.receives(1)
    equal((await member.collected()).length, 0)

    const queues = { readQueueNums: 1, writeQueueNums: 1 }
    const producer = await stage.producer()
    await update('updateTopic', { topicName: topic, perm: 4, ...queues })
    // Clients leave queues alone that may not be written; the broker itself looks at ordered topics only.
    await eventually('no queue to write to', async () => {
      const queues = await stage.driver.publishQueues(await stage.producer(), topic).catch(() => [])
      return queues.length === 0
    })
    await rejects(stage.sends(topic, [plain('two')]), /No route info of this topic|Can not find Message Queue/)
    await update('updateTopic', { topicName: topic, perm: 2, ...queues })
    await rejects(stage.driver.pull(disabled.name, queue!, 0), /CODE: 16[\s\S]*pulling message is forbidden/)
    await update('updateTopic', { topicName: topic, perm: 6, ...queues })
    await stage.driver.send(producer, topic, 'queue', [plain('three')], { brokerName: 'broker-a', queueId: 0 })
    deepEqual(sorted(keysOf(await other.receives(2))), ['one', 'three'])
    const nowhere = { brokerName: 'broker-a', queueId: 9 }
    await rejects(stage.driver.send(producer, topic, 'queue', [plain('four')], nowhere), /queueId/)
    await member.stop()
    await other.stop()
  },
}
