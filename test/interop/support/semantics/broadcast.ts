import { deepEqual, equal } from 'node:assert/strict'
import { keysOf, plain, sorted } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'

export const broadcasting: SemanticsScenario = {
  name: 'broadcasting: every member gets every message once, refused or not, and the broker keeps no offsets',
  needs: ['broadcasting'],
  async run(stage) {
    const topic = await stage.topic('Broadcast')
    const settings = { messageModel: 'BROADCASTING' } as const
    const first = await stage.consumer(topic, settings)
    const second = await stage.consumer(topic, { ...settings, group: first.group })
    const sent = Array.from({ length: 20 }, (_, index) => plain(`b-${index}`, index === 7 ? { fail: '1' } : {}))
    await stage.sends(topic, sent)
    for (const member of [first, second]) {
      deepEqual(sorted(keysOf(await member.receives(sent.length))), sorted(sent.map(({ keys }) => keys!)))
      await stage.driver.persistOffsets(member.name)
    }
    // Messages that come later show that the refused one did not come again in between.
    await stage.sends(topic, [plain('last')])
    for (const member of [first, second]) equal((await member.receives(sent.length + 1)).length, sent.length + 1)
    for (let queueId = 0; queueId < 4; queueId++) {
      // 0 is told for a group without an offset as well.
      equal((await stage.committedOffset(first.group, topic, queueId)) ?? 0, 0)
    }
    await first.stop()
    await second.stop()
  },
}
