import { deepEqual, equal, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AppendStatus } from '../../../lib/store/index.ts'
import { waitFor } from '../../support/wait-for.ts'
import { atEnd, testFolder } from '../support/fixtures.ts'
import { cutLog, DAY_MS, type TimerSettings, TimerWorld, WallClock } from './support/timer-world.ts'

interface Set {
  readonly clock: WallClock
  readonly directory: string
  open(more?: Partial<TimerSettings>): Promise<TimerWorld>
}

/** Opens worlds on one directory, one after the other. */
const setUp = async (t: TestContext): Promise<Set> => {
  const directory = await testFolder(t)
  const clock = new WallClock()
  const worlds: TimerWorld[] = []
  atEnd(t, async () => {
    for (const world of worlds) await world.close()
  })
  return {
    clock,
    directory,
    async open(more = {}) {
      const world = await TimerWorld.open(directory, { clock, ...more })
      worlds.push(world)
      return world
    },
  }
}

test('a message is delivered at its time with all it had, and not a millisecond before', async (t) => {
  const { open, clock } = await setUp(t)
  const world = await open()
  const dueMs = clock.nowMs() + 1234
  world.schedule('T', 'a', dueMs, { KEYS: 'k', TAGS: 'tag' })
  await world.settled()
  await world.advance(1233)
  deepEqual(await world.bodies('T'), [])
  await world.advance(1)
  const [message] = await world.delivered('T')
  equal(message!.body.toString(), 'a')
  equal(message!.flag, 7)
  equal(message!.bornHost.port, 4567)
  deepEqual(Object.fromEntries([...message!.properties].sort()), {
    KEYS: 'k',
    TAGS: 'tag',
    TIMER_DELIVER_MS: String(dueMs),
    TIMER_DEQUEUE_MS: String(dueMs),
    TIMER_OUT_MS: String(dueMs - 1),
    UNIQ_KEY: 'a',
  })
  equal(world.timers.pending.size, 0)
})

test('messages come in the order of their times, those of one time in the order of their sends', async (t) => {
  const { open, clock } = await setUp(t)
  const world = await open()
  const now = clock.nowMs()
  for (const [body, afterMs] of [
    ['c', 300],
    ['a1', 100],
    ['b', 200],
    ['a2', 100],
  ] as const) {
    world.schedule('T', body, now + afterMs)
  }
  await world.settled()
  await world.advance(1000)
  deepEqual(await world.bodies('T'), ['a1', 'a2', 'b', 'c'])
})

test('forty days, many times over a restart', async (t) => {
  const { open, clock } = await setUp(t)
  const dueMs = clock.nowMs() + 40 * DAY_MS
  const first = await open()
  first.schedule('T', 'late', dueMs)
  for (let day = 1; day <= 39; day++) first.schedule('T', `day-${day}`, clock.nowMs() + day * DAY_MS)
  await first.close()
  for (let days = 10; days <= 30; days += 10) {
    const world = await open()
    await world.jump(10 * DAY_MS)
    equal((await world.bodies('T')).length, days)
    await world.close()
  }
  const last = await open()
  await last.jump(dueMs - clock.nowMs() - 1001)
  ok(!(await last.bodies('T')).includes('late'))
  await last.advance(1)
  const bodies = await last.bodies('T')
  deepEqual(bodies, [...Array.from({ length: 39 }, (_, day) => `day-${day + 1}`), 'late'])
})

test('what is due while the broker is down is delivered once at the start', async (t) => {
  const { open, clock } = await setUp(t)
  const first = await open()
  first.schedule('T', 'a', clock.nowMs() + 10)
  first.schedule('T', 'b', clock.nowMs() + 5000)
  await first.settled()
  await first.close()
  clock.advance(100)
  const second = await open()
  await second.settled()
  deepEqual(await second.bodies('T'), ['a'])
  await second.close()
  const third = await open()
  await third.settled()
  deepEqual(await third.bodies('T'), ['a'])
  equal(third.timers.pending.size, 1)
})

test('a wall clock set ahead makes due what it passes, one set back nothing', async (t) => {
  const { open, clock } = await setUp(t)
  const world = await open()
  world.schedule('T', 'a', clock.nowMs() + 3_600_000)
  world.schedule('T', 'b', clock.nowMs() + 7_200_000)
  await world.settled()
  await world.jump(3_600_000)
  deepEqual(await world.bodies('T'), ['a'])
  await world.jump(-3_600_000)
  await world.advance(3_600_000)
  deepEqual(await world.bodies('T'), ['a'])
  await world.advance(3_600_000)
  deepEqual(await world.bodies('T'), ['a', 'b'])
})

test('a recalled message is never delivered, also when the broker restarts before its time', async (t) => {
  const { open, clock } = await setUp(t)
  const dueMs = clock.nowMs() + 5000
  const first = await open()
  for (const body of ['a', 'b', 'c']) first.schedule('T', body, dueMs)
  first.recall('T', 'a', dueMs)
  await first.settled()
  await first.close()
  const second = await open()
  await second.settled()
  second.recall('T', 'c', dueMs)
  await second.advance(10_000)
  deepEqual(await second.bodies('T'), ['b'])
  equal(second.timers.pending.size, 0)
})

test('a recall of another time or another topic calls nothing off', async (t) => {
  const { open, clock } = await setUp(t)
  const dueMs = clock.nowMs() + 5000
  const world = await open()
  world.schedule('T', 'a', dueMs)
  world.recall('T', 'a', dueMs + 1)
  world.recall('U', 'a', dueMs)
  await world.settled()
  await world.advance(10_000)
  deepEqual(await world.bodies('T'), ['a'])
})

test('what recovery cuts off the log is gone: timers, recalls, and deliveries with their marks', async (t) => {
  const { open, clock, directory } = await setUp(t)
  const dueMs = clock.nowMs() + 1000
  const first = await open()
  first.schedule('T', 'a', dueMs)
  const recalled = first.schedule('T', 'b', dueMs)
  first.recall('T', 'b', dueMs)
  first.schedule('T', 'lost', dueMs)
  await first.settled()
  await first.advance(2000)
  deepEqual(await first.bodies('T'), ['a', 'lost'])
  await first.close()
  await cutLog(directory, recalled.endOffset)
  const second = await open()
  await second.settled()
  deepEqual(await second.bodies('T'), ['a', 'b'])
})

test('a delivery whose mark was cut off is made again, one with its mark is not', async (t) => {
  const { open, clock, directory } = await setUp(t)
  const now = clock.nowMs()
  const first = await open()
  for (const afterMs of [100, 200]) first.schedule('T', `${afterMs}`, now + afterMs)
  await first.settled()
  await first.advance(100)
  await first.advance(100)
  const [, last] = await first.delivered('T')
  await first.close()
  await cutLog(directory, last!.physicalOffset + last!.sizeBytes)
  const second = await open()
  await second.settled()
  deepEqual(await second.bodies('T'), ['100', '200', '200'])
})

test('a store that takes nothing now gets the messages later, recalls included', async (t) => {
  const { open, clock } = await setUp(t)
  let isFull = false
  const world = await open({
    wrapStore: (store) =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name, target)
          if (typeof value !== 'function') return value
          if (name !== 'append') return value.bind(target)
          return (batch: Parameters<typeof store.append>[0]) => {
            if (isFull) batch.failAll(AppendStatus.BUSY)
            else store.append(batch)
          }
        },
      }),
  })
  const dueMs = clock.nowMs() + 50
  world.schedule('T', 'a', dueMs)
  world.schedule('T', 'b', dueMs)
  world.recall('T', 'b', dueMs)
  await world.settled()
  isFull = true
  clock.advance(60)
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  isFull = false
  await world.advance(1000)
  deepEqual(await world.bodies('T'), ['a'])
  equal(world.timers.pending.size, 0)
})

test('timers are moved ahead of retention, their recalls with them', async (t) => {
  const { open, clock } = await setUp(t)
  const dueMs = clock.nowMs() + 10 * DAY_MS
  // By the store's own clock, which is the machine's, everything is old at once.
  const world = await open({ reservedMs: 2, store: { segmentBytes: 1 << 20 } })
  world.schedule('T', 'kept', dueMs)
  world.schedule('T', 'recalled', dueMs)
  world.recall('T', 'recalled', dueMs)
  world.schedule('T', 'soon', clock.nowMs() + 20_000)
  for (let filler = 0; filler < 40; filler++) world.schedule('Filler', 'x'.repeat(60_000), 1, { UNIQ_KEY: 'f' })
  await world.settled()
  await waitFor('the next millisecond', () => world.store.retention.verifiedTimeMs > Date.now() - 60_000)
  const standing = () => world.store.bounds(world.store.topic('rmq_sys_wheel_timer'), 0)!.max
  await waitFor('the moves', async () => {
    await world.advance(10_000)
    return standing() >= 7
  })
  await world.jump(300_000)
  ok((await world.store.truncateBefore(world.store.watermarks.appended)) >= 2)
  await world.jump(dueMs - clock.nowMs() - 1000)
  await world.advance(1000)
  const [soon, kept, ...more] = await world.delivered('T')
  deepEqual(
    [soon, kept].map((message) => message!.body.toString()),
    ['soon', 'kept'],
  )
  deepEqual(more, [])
  equal(soon!.properties.get('TIMER_ROLL_TIMES'), undefined)
  ok(Number(kept!.properties.get('TIMER_ROLL_TIMES')) >= 1)
  equal(world.timers.pending.size, 0)
})

test('thousands of one time come in turns, each once', async (t) => {
  const { open, clock } = await setUp(t)
  const world = await open()
  const dueMs = clock.nowMs() + 10_000
  const bodies = Array.from({ length: 3000 }, (_, index) => `m${index}`)
  for (const body of bodies) world.schedule('T', body, dueMs)
  await world.settled()
  equal(world.timers.pending.size, 3000)
  await world.advance(10_000)
  deepEqual(await world.bodies('T'), bodies)
  await world.close()
  const again = await open()
  await again.settled()
  equal(again.timers.pending.size, 0)
})

test('a message larger than what is read at once is delivered whole', async (t) => {
  const { open, clock } = await setUp(t)
  const world = await open({ store: { segmentBytes: 16 << 20 } })
  const dueMs = clock.nowMs() + 100
  world.schedule('T', 'small', dueMs)
  world.schedule('T', 'y'.repeat(3_000_000), dueMs, { UNIQ_KEY: 'large' })
  world.schedule('T', 'last', dueMs)
  await world.settled()
  await world.advance(100)
  deepEqual(
    (await world.delivered('T')).map(({ body }) => body.length),
    [5, 3_000_000, 4],
  )
})
