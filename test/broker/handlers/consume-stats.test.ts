import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { consumeStatsHandlers } from '../../../lib/broker/handlers/consume-stats.ts'
import { topicConfig } from '../../../lib/protocol/bodies/topic-config.ts'
import { FakeConnection } from '../support/fake-connection.ts'

test('statistics of many groups leave turns to other work', async () => {
  const groups = Array.from({ length: 100 }, (_, i) => ({ groupName: `G${i}` }))
  const topics = ['T0', 'T1', 'T2']
  let asked = 0
  const handler = consumeStatsHandlers({
    brokerName: 'b',
    brokerAddr: '127.0.0.1:1',
    topics: { get: (name: string) => topicConfig(name, { writeQueueNums: 1 }) } as never,
    groups: { all: () => groups },
    consumers: { group: () => undefined },
    offsets: {
      find: () => 5,
      topicsOf: () => topics,
      *pairs() {
        for (const topic of topics) for (const { groupName: group } of groups) yield { topic, group }
      },
    },
    queues: { range: () => ({ min: 0, max: 7 }), storeTimes: async () => [++asked] } as never,
    traffic: { groupTps: () => 0 },
  }).find(({ command }) => command.code === 317)!
  const request = { code: 317, extFields: new Map([['isOrder', 'false']]), opaque: 1, flag: 0, body: Buffer.alloc(0) }
  const answer = handler.answer({ connection: new FakeConnection(), request: request as never })
  equal(asked < 100, true)
  const { body } = (await answer) as { body: Buffer }
  equal(asked, 300)
  match(body.toString(), /"totalDiff":600/)
})
