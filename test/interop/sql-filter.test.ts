import { deepEqual, equal } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { BloomFilter } from '../../lib/filter/index.ts'
import { everyPair, sqlText } from '../filter/support/random-sql.ts'
import { expressions, messages } from '../filter/support/sql-cases.ts'
import { differences } from '../filter/support/sql-table.ts'
import { bloomPositionsInJava, evaluateInJava } from '../support/java-filter.ts'
import { skipWithoutJava } from './support/pairs.ts'

const options = { skip: skipWithoutJava() }
const FIXTURE = new URL('../filter/support/sql-results.json', import.meta.url)
/** Words that 4.9 takes for names. */
const isLater = (expression: string): boolean => /CONTAINS|STARTSWITH|ENDSWITH/i.test(expression)

for (const version of ['4.9.7', '5.3.3'] as const) {
  test(`SQL92 conditions give what the filter classes of Java ${version} give`, options, async () => {
    const seed = Date.now() & 0xffff_ffff
    const random = fc.sample(sqlText, { numRuns: 1000, seed })
    const all = [...expressions, ...everyPair, ...random].filter((text) => version !== '4.9.7' || !isLater(text))
    const inJava = await evaluateInJava(version, all, messages)
    equal(inJava.some((results) => results.includes('T')) && inJava.some((results) => results.includes('E')), true)
    deepEqual(differences(all, messages, inJava), [], `seed of the random ones: ${seed}`)
  })
}

test('the results that the other tests go by are those of Java 5.3.3', options, async () => {
  const inJava = await evaluateInJava('5.3.3', expressions, messages)
  if (process.env.UPDATE_FIXTURES === '1') writeFileSync(FIXTURE, `${JSON.stringify(inJava, null, 1)}\n`)
  deepEqual(JSON.parse(readFileSync(FIXTURE, 'utf8')), inJava)
})

test('names have the bits that they have in the bloom filter of Java', options, async () => {
  const seed = Date.now() & 0xffff_ffff
  // A lone half of a pair has no bytes to send to Java.
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
  const sizes = fc.sample(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 5000 }), name), {
    numRuns: 500,
    seed,
  })
  const cases = [
    [20, 32, 'G#T'] as const,
    ...Array.from({ length: 40 }, (_, n) => [20, 64, 'x'.repeat(n + 1)] as const),
    ...sizes,
  ]
  const ours = cases.map(([errorPercent, expected, text]) => new BloomFilter(errorPercent, expected).dataOf(text))
  deepEqual(ours, await bloomPositionsInJava('4.9.7', cases), `seed ${seed}`)
})
