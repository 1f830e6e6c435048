import { deepEqual, equal, ok } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { decodeRecord } from '../../../lib/protocol/message-codec.ts'
import type { FakeConnection } from '../support/fake-connection.ts'
import {
  COMMIT,
  HALF,
  halfIn,
  questionsTo,
  ROLLBACK,
  type SentHalf,
  startTransactionBench,
  type TransactionBench,
} from '../support/transaction-bench.ts'

const INTERVAL = 60_000

type Step =
  | { readonly do: 'send'; readonly commit: boolean; readonly immunity: string | undefined }
  /** The producer ends a transaction by one of the names it knows it by. */
  | { readonly do: 'end'; readonly which: number; readonly name: number }
  /** Somebody says the opposite of what was done. */
  | { readonly do: 'contradict'; readonly which: number; readonly name: number }
  /** Producers answer every so many questions; 0 none. */
  | { readonly do: 'round'; readonly answerEvery: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'persist' }
  | { readonly do: 'restart' }
  | { readonly do: 'crash'; readonly inRound: boolean }

interface Transaction {
  readonly commit: boolean
  /** Where its half was stored, and the copies that producers were asked about. */
  readonly names: SentHalf[]
  /** By a request that was answered since the last start. */
  endedNow: boolean
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      commit: fc.boolean(),
      immunity: fc.constantFrom(undefined, undefined, '1', '90', '-1'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), name: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('contradict' as const), which: fc.nat(), name: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('round' as const), answerEvery: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(100_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'persist' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), inRound: fc.boolean() }) },
)

/** What producers know, held against what the broker does. */
class Model {
  readonly #bench: TransactionBench
  readonly #transactions: Transaction[] = []
  #producer: FakeConnection

  constructor(bench: TransactionBench) {
    this.#bench = bench
    this.#producer = bench.connect()
  }

  async take(step: Step): Promise<void> {
    const bench = this.#bench
    switch (step.do) {
      case 'send':
        return this.#send(step.commit, step.immunity)
      case 'end':
        return this.#end(this.#pick(step.which), step.name)
      case 'contradict':
        return this.#contradict(this.#pick(step.which), step.name)
      case 'round':
        return this.#round(step.answerEvery)
      case 'advance':
        bench.clock.advance(step.ms)
        return
      case 'persist':
        bench.offsets.persist()
        return
      case 'restart':
        await bench.stop()
        return this.#reopen()
      case 'crash': {
        await bench.dispatched()
        const round = step.inRound ? bench.transactions.check.round() : undefined
        await bench.transactions.check.stop()
        await round
        await bench.crash()
        return this.#reopen()
      }
    }
  }

  /** Every producer answers until nothing is open. */
  async finish(): Promise<void> {
    for (let round = 0; round < 8; round++) {
      this.#bench.clock.advance(INTERVAL)
      await this.#round(1)
    }
    deepEqual(await this.#bench.round(), { checked: 0, postponed: 0, discarded: 0 }, 'a half is still open')
  }

  async verify(): Promise<void> {
    const bench = this.#bench
    const delivered = (await bench.read('Orders', 2)).map(({ body }) => Number(body.toString()))
    for (const [index, { commit }] of this.#transactions.entries()) {
      const times = delivered.filter((one) => one === index).length
      if (commit) ok(times > 0, `transaction ${index} was committed and not delivered`)
      else equal(times, 0, `transaction ${index} was rolled back and delivered`)
    }
    const halves = await bench.read(HALF)
    await bench.stop()
    if (halves.length > 0) equal(bench.saved()[0], halves.length, 'all halves were passed')
  }

  #send(commit: boolean, immunity: string | undefined): void {
    const body = Buffer.from(String(this.#transactions.length))
    const wish = immunity === undefined ? {} : { CHECK_IMMUNITY_TIME_IN_SECONDS: immunity }
    this.#transactions.push({ commit, names: [this.#bench.sendHalf(wish, { body })], endedNow: false })
  }

  #pick(which: number): Transaction | undefined {
    return this.#transactions[which % Math.max(1, this.#transactions.length)]
  }

  async #end(transaction: Transaction | undefined, name: number): Promise<void> {
    if (transaction === undefined) return
    const { names, commit } = transaction
    const answer = await this.#bench.end(names[name % names.length]!, commit ? COMMIT : ROLLBACK)
    // Only an end from before the last start may be refused: it is not known which one it was.
    if (transaction.endedNow) equal(answer?.code, 0)
    if (answer?.code === 0) transaction.endedNow = true
  }

  async #contradict(transaction: Transaction | undefined, name: number): Promise<void> {
    if (transaction === undefined || !transaction.endedNow) return
    const { names, commit } = transaction
    equal((await this.#bench.end(names[name % names.length]!, commit ? ROLLBACK : COMMIT))?.code, 1)
  }

  async #round(answerEvery: number): Promise<void> {
    // Producers are forgotten after 120 s without a heartbeat.
    if (this.#producer.closed || this.#bench.producers.members('PG').length === 0)
      this.#producer = this.#bench.connect()
    await this.#bench.round()
    for (const [index, question] of questionsTo(this.#producer).entries()) {
      const transaction = this.#transactions[Number(decodeRecord(question.body).body.toString())]!
      transaction.names.push(halfIn(question))
      if (answerEvery > 0 && index % answerEvery === 0) await this.#end(transaction, transaction.names.length - 1)
    }
  }

  async #reopen(): Promise<void> {
    await this.#bench.open()
    this.#producer = this.#bench.connect()
    for (const transaction of this.#transactions) transaction.endedNow = false
  }
}

const runModel = async (t: TestContext, steps: readonly Step[]): Promise<void> => {
  const model = new Model(await startTransactionBench(t, { transactionCheckMax: '1000' }))
  for (const one of steps) await model.take(one)
  await model.finish()
  await model.verify()
}

test('whatever happens on the way, committed messages are delivered and rolled back ones never', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => runModel(t, steps)),
    { numRuns: 40 },
  )
})
