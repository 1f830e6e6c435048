import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { keysOf, plain, sorted } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually, type Member, type SemanticsStage } from './stage.ts'

const QUEUES = 4
type Offsets = Readonly<Record<string, number>>

const numbered = (part: string, count: number) => Array.from({ length: count }, (_, index) => plain(`${part}-${index}`))

/** Ends of all queues of a topic that has `perQueue` messages in each. */
const even = (topic: string, perQueue: number): Offsets =>
  Object.fromEntries(Array.from({ length: QUEUES }, (_, queueId) => [`${topic}:${queueId}`, perQueue]))

/** Sends so many messages to every queue. */
const fill = async (stage: SemanticsStage, topic: string, part: string, perQueue: number): Promise<void> => {
  const producer = await stage.producer()
  const selectorArgs = Array.from({ length: perQueue * QUEUES }, (_, index) => index % QUEUES)
  await stage.driver.send(producer, topic, 'selector', numbered(part, perQueue * QUEUES), { selectorArgs })
}

const commits = (stage: SemanticsStage, member: Member, topic: string, perQueue: number) =>
  eventually(`the offsets of ${member.group}`, async () => {
    await stage.driver.persistOffsets(member.name)
    const offsets = await Promise.all(
      Array.from({ length: QUEUES }, (_, queueId) => stage.committedOffset(member.group, topic, queueId)),
    )
    return offsets.every((offset) => offset === perQueue)
  })

export const resetOnline: SemanticsScenario = {
  name: 'the offset of a group that is online is set to a time, and its members read again from there',
  needs: ['resetOffset'],
  async run(stage) {
    const topic = await stage.topic('Reset', QUEUES)
    const member = await stage.consumer(topic)
    await stage.balanced(topic, QUEUES, [member])
    await fill(stage, topic, 'early', 5)
    const early = await member.receives(20)
    const lastEarlyMs = Math.max(...early.map(({ storeTimestampMs }) => storeTimestampMs))
    await eventually('another millisecond', () => Date.now() > lastEarlyMs + 1)
    await fill(stage, topic, 'late', 5)
    const both = await member.receives(40)
    await commits(stage, member, topic, 10)
    const timestampMs = Math.min(
      ...both.filter(({ keys }) => keys!.startsWith('late')).map(({ storeTimestampMs }) => storeTimestampMs),
    )
    // The message of just this time where there is one, else the one next to it, sooner or later.
    const puller = await stage.pullConsumer()
    const bounds = await Promise.all(
      (await stage.queues(puller, topic)).map(async (queue) => {
        const { offsetAtTimestamp } = await stage.driver.queueBounds(puller, queue, timestampMs)
        return [`${topic}:${queue.queueId}`, offsetAtTimestamp!] as const
      }),
    )
    const offsets = Object.fromEntries(bounds)
    ok(Object.values(offsets).includes(5), 'the first of the late ones is met exactly')
    const args = { topic, group: member.group, timestampMs, force: true }
    deepEqual(await stage.admin<Offsets>('resetOffsetByTime', args), offsets)
    const due = both.filter(({ queueId, queueOffset }) => queueOffset >= offsets[`${topic}:${queueId}`]!)
    const again = (await member.receives(40 + due.length)).slice(40)
    deepEqual(sorted(keysOf(again)), sorted(keysOf(due)))
    await commits(stage, member, topic, 10)
    equal((await member.collected()).length, 40 + due.length)
    await member.stop()
  },
}

export const resetOffline: SemanticsScenario = {
  name: 'the offset of a group that is not online cannot be set this way',
  needs: ['resetOffset'],
  async run(stage) {
    const topic = await stage.topic('ResetOffline', QUEUES)
    const args = { topic, group: stage.name('offline'), timestampMs: 0, force: true }
    await rejects(stage.admin('resetOffsetByTime', args), /CODE: 1\b[\s\S]*not exist/)
  },
}

export const runningInfo: SemanticsScenario = {
  name: 'a member tells its running info, its offsets and its connection through the broker',
  needs: ['clientRoundTrips', 'connections', 'consumeStats'],
  async run(stage) {
    const topic = await stage.topic('Running', QUEUES)
    const member = await stage.consumer(topic, { expression: 'TagA || TagB' })
    const { group, clientId } = member
    await stage.balanced(topic, QUEUES, [member])
    const producer = await stage.producer()
    const sent = Array.from({ length: 12 }, (_, index) => plain(`key-${index}`, {}, { tags: 'TagA' }))
    const selectorArgs = sent.map((_, index) => index % QUEUES)
    await stage.driver.send(producer, topic, 'selector', sent, { selectorArgs })
    await member.receives(12)
    await commits(stage, member, topic, 3)

    type Info = {
      properties: Offsets
      jstack?: string
      subscriptions: object
      offsets: Offsets
      statusTopics: string[]
    }
    const info = await stage.admin<Info>('runningInfo', { group, clientId, jstack: false })
    const properties = info.properties as unknown as Readonly<Record<string, string>>
    equal(properties.PROP_CONSUME_TYPE, 'CONSUME_PASSIVELY')
    match(properties.PROP_CONSUMER_START_TIMESTAMP ?? '', /^\d+$/)
    deepEqual(info.subscriptions, { [topic]: 'TagA || TagB', [`%RETRY%${group}`]: '*' })
    for (const [queue, offset] of Object.entries(even(topic, 3))) equal(info.offsets[queue], offset)
    equal(info.jstack ?? '', '')
    const withStacks = await stage.admin<Info>('runningInfo', { group, clientId, jstack: true })
    match(withStacks.jstack ?? '', /ConsumeMessageThread|PullMessageService/)
    await rejects(stage.admin('runningInfo', { group, clientId: 'nobody', jstack: false }), /206|not online|not exist/)

    const status = await stage.admin<Record<string, Offsets>>('consumeStatus', { topic, group })
    deepEqual(status, { [clientId]: even(topic, 3) })
    deepEqual(await stage.admin('consumeStatus', { topic, group, clientId }), status)

    deepEqual(await stage.admin('consumerConnection', { group }), {
      clientIds: [clientId],
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: info.subscriptions,
    })
    const producers = await stage.admin<string[]>('producerConnection', { group: `${producer}-group`, topic })
    ok(producers.length === 1 && producers[0]!.includes(producer), `producers: ${producers}`)
    const expected = Object.fromEntries(
      Object.keys(even(topic, 3)).map((queue) => [queue, { brokerOffset: 3, consumerOffset: 3 }]),
    )
    deepEqual(await stage.admin('consumeStats', { topic, group }), expected)
    await member.stop()
  },
}

export const consumeDirectly: SemanticsScenario = {
  name: 'a member consumes a given message directly and its answer comes back',
  needs: ['clientRoundTrips'],
  async run(stage) {
    const topic = await stage.topic('Directly', 1)
    const sent = [plain('taken'), plain('later', { fail: '100', nextLevel: '6' }), plain('null', { failBy: 'null' })]
    // Sent to a topic that the member reads only from its end: it gets them by no other way.
    const results = await stage.sends(topic, [...sent, plain('thrown', { fail: '100', failBy: 'throw' })])
    const member = await stage.consumer(topic, { expression: 'NoSuchTag' })
    await stage.balanced(topic, 1, [member])
    const { group, clientId } = member
    const directly = (index: number) =>
      stage.admin<{ result: string; order: boolean; remark?: string }>('consumeDirectly', {
        group,
        clientId,
        topic,
        msgId: results[index]!.offsetMsgId,
      })
    const answers = [await directly(0), await directly(1), await directly(2), await directly(3)]
    deepEqual(
      answers.map(({ result, order }) => [result, order]),
      [
        ['CR_SUCCESS', false],
        ['CR_LATER', false],
        ['CR_SUCCESS', false],
        ['CR_THROW_EXCEPTION', false],
      ],
    )
    match(answers[3]!.remark ?? '', /as the message says/)
    deepEqual(keysOf(await member.receives(4)), ['taken', 'later', 'null', 'thrown'])
    const nobody = { group, clientId: 'nobody', topic, msgId: results[0]!.offsetMsgId }
    await rejects(stage.admin('consumeDirectly', nobody), /206|not online|not exist/)
    await member.stop()
  },
}

export const cloneOffset: SemanticsScenario = {
  name: 'the offsets of one group are given to another',
  needs: ['cloneOffset'],
  async run(stage) {
    const topic = await stage.topic('Clone', QUEUES)
    const member = await stage.consumer(topic)
    await fill(stage, topic, 'first', 3)
    await member.receives(12)
    await commits(stage, member, topic, 3)
    await member.stop()
    const heir = stage.name('clone')
    // Java 4.9 tells 0 for a group without an offset while the queue's first message is in memory.
    equal((await stage.committedOffset(heir, topic, 1)) ?? 0, 0)
    await stage.admin('cloneOffset', { from: member.group, to: heir, topic, offline: true })
    for (let queueId = 0; queueId < QUEUES; queueId++) equal(await stage.committedOffset(heir, topic, queueId), 3)
    await fill(stage, topic, 'second', 1)
    const next = await stage.consumer(topic, { group: heir })
    ok(
      keysOf(await next.receives(4)).every((keys) => keys.startsWith('second')),
      'only what is new',
    )
    await next.stop()
  },
}
