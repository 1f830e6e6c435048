import { equal, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type MessageStore, openMessageStore, PullResult, PullStatus, type WritePath } from '../../lib/store/index.ts'
import { verifyStore } from '../../lib/store/inspect/index.ts'
import { runProgram } from '../store/support/child-program.ts'
import { recordBody, smallStore, splitRecords, temporaryDirectory } from '../store/support/store-fixture.ts'
import { waitFor } from '../support/wait-for.ts'

const ROUNDS = 5
const QUEUES = 3
const MOST_ACKNOWLEDGED = 400

/** The numbers of the messages in a queue, whose bodies must be what they were. */
const readQueue = (store: MessageStore, queueId: number): number[] => {
  const topic = store.topic('Killed')
  const numbers: number[] = []
  const [into, result] = [Buffer.alloc(1 << 20), new PullResult()]
  for (;;) {
    store.pull(topic, queueId, numbers.length, 1000, undefined, into.length, into, 0, result)
    if (result.status !== PullStatus.FOUND) break
    for (const record of splitRecords(into.subarray(0, result.sizeBytes))) {
      const body = recordBody(record)
      const number = Number.parseInt(body, 10)
      equal(body, `${number}/`.repeat(body.length).slice(0, body.length), `the body of ${number}`)
      numbers.push(number)
    }
  }
  equal(numbers.length, store.bounds(topic, queueId)?.max ?? 0, `queue ${queueId} is dense`)
  return numbers
}

/** Kills a writer at some time and tells what it had acknowledged, and what of that it knew to be written. */
const killWriter = async (
  t: TestContext,
  args: readonly string[],
): Promise<{ acknowledged: number; written: number }> => {
  const { child, ended } = runProgram(t, 'append-until-killed.ts', args)
  let lines = 0
  const wanted = randomInt(1, MOST_ACKNOWLEDGED)
  child.stdout!.on('data', (text: string) => {
    lines += text.split('acknowledged').length - 1
  })
  await Promise.race([ended, waitFor(`${wanted} acknowledgements`, () => lines >= wanted, { everyMs: 1 })])
  child.kill('SIGKILL')
  const { signal, stdout, stderr } = await ended
  equal(signal, 'SIGKILL', stderr)
  const last = (word: string): number => Number(stdout.match(new RegExp(`.*${word} (\\d+)\n`, 's'))?.[1] ?? 0)
  return { acknowledged: last('acknowledged'), written: last('written') }
}

for (const [writePath, mode, promise] of [
  ['mapped', 'async', 'acknowledged'],
  ['mapped', 'sync', 'acknowledged'],
  ['staged', 'sync', 'acknowledged'],
  ['staged', 'async', 'written'],
  ['pool', 'async', 'written'],
] as const satisfies readonly (readonly [WritePath, 'async' | 'sync', string])[]) {
  test(`${writePath} writes under ${mode} flush, killed ${ROUNDS} times: a prefix stays, with all that was ${promise}`, async (t) => {
    const directory = await temporaryDirectory(t)
    let next = 0
    for (let round = 0; round < ROUNDS; round++) {
      const told = await killWriter(t, [directory, writePath, mode, String(next)])
      const store = await openMessageStore(smallStore(directory, { writePath, flush: { mode } }))
      const numbers = Array.from({ length: QUEUES }, (_, queueId) => readQueue(store, queueId))
      await store.close()
      equal(store.recovery.damagedRanges, 0)
      const survived = numbers.flat().length
      const line = `round ${round}: ${told.acknowledged} acknowledged, ${told.written} written, ${survived} survived`
      ok(survived >= Math.max(told[promise], next), line)
      for (const [queueId, queue] of numbers.entries()) {
        for (const [at, number] of queue.entries()) equal(number, queueId + at * QUEUES, line)
      }
      equal(
        numbers.flat().reduce((most, number) => Math.max(most, number + 1), 0),
        survived,
        line,
      )
      t.diagnostic(line)
      next = survived
    }
    const { findings } = verifyStore(directory)
    equal(findings.filter(({ severity }) => severity === 'error').length, 0, JSON.stringify(findings))
  })
}
