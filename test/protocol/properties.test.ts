import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { javaHashMapOrder } from '../../lib/protocol/java-hash-map-order.ts'
import { javaStringHash, javaStringHashOfAscii } from '../../lib/protocol/java-string-hash.ts'
import { decodeProperties, encodeProperties, storedProperties } from '../../lib/protocol/properties.ts'
import { PropertyRewriter } from '../../lib/protocol/property-rewriter.ts'

const range = (count: number, name: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => name(i))

test('a string hash is that of Java, over UTF-16 units', () => {
  equal(javaStringHash('TagA'), 2_598_919)
  equal(javaStringHash('polygenelubricants'), -(2 ** 31))
  equal(javaStringHash('😀'), 1_772_899)
  const ascii = Buffer.from('xTagA')
  equal(javaStringHashOfAscii(ascii, 1, ascii.length), 2_598_919)
  equal(javaStringHashOfAscii(Buffer.from('ä'), 0, 2), undefined)
})

// Each pair was taken from java.util.HashMap (Java 17).
for (const [what, keys, order] of [
  ['few keys', ['TAGS', 'WAIT', 'UNIQ_KEY', 'KEYS'], ['KEYS', 'UNIQ_KEY', 'WAIT', 'TAGS']],
  [
    'more than twelve keys, where the table doubles',
    [
      'TAGS',
      'KEYS',
      'UNIQ_KEY',
      'WAIT',
      'CLUSTER',
      'MSG_REGION',
      'TRACE_ON',
      'DELAY',
      ...range(6, (i) => `key${i + 1}`),
      'other property',
    ],
    [
      'key1',
      'key2',
      'TRACE_ON',
      'key5',
      'key6',
      'key3',
      'key4',
      'KEYS',
      'MSG_REGION',
      'other property',
      'UNIQ_KEY',
      'CLUSTER',
      'WAIT',
      'DELAY',
      'TAGS',
    ],
  ],
  [
    'more than twenty-four keys',
    range(28, (i) => `k${i}`),
    'k11 k10 k13 k12 k15 k14 k17 k16 k19 k18 k0 k1 k2 k3 k20 k4 k5 k22 k6 k21 k7 k24 k8 k23 k9 k26 k25 k27'.split(' '),
  ],
  ['equal hashes', ['AaAa', 'AaBB', 'BBAa', 'BBBB', 'AaAaAa', 'x'], ['AaAaAa', 'x', 'AaAa', 'AaBB', 'BBAa', 'BBBB']],
] as const) {
  test(`HashMap order with ${what} is that of Java`, () => {
    deepEqual(javaHashMapOrder(keys), order)
  })
}

test('property text is read by the rules of Java', () => {
  const text = 'KEYS\u0001k1 k2\u0002x\u0001\u0002\u0001y\u0002n\u0002v\u0001a\u0001b\u0002KEYS\u0001last\u0002'
  deepEqual(
    [...decodeProperties(text)],
    [
      ['KEYS', 'last'],
      ['v', 'a\u0001b'],
    ],
  )
  deepEqual(decodeProperties(Buffer.from('ä\u0001ö')), new Map([['ä', 'ö']]))
  equal(decodeProperties('').size, 0)
})

test('property text is written without a final separator', () => {
  equal(
    encodeProperties(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    ),
    'a\u00011\u0002b\u00012',
  )
  equal(encodeProperties(new Map()), '')
})

const change = { remove: ['WAIT'], put: [['CLUSTER', 'DefaultCluster']] as const }

test('what is stored of a message of the Java client is what the Java broker stores', () => {
  const sent =
    'KEYS\u0001k1 k2\u0002UNIQ_KEY\u00017F00\u0002WAIT\u0001true\u0002TAGS\u0001TagA\u0002x\u0001\u0002\u0001y\u0002KEYS\u0001last\u0002'
  equal(
    storedProperties(sent, change),
    'KEYS\u0001last\u0002UNIQ_KEY\u00017F00\u0002CLUSTER\u0001DefaultCluster\u0002TAGS\u0001TagA',
  )
})

const rewritten = (rewriter: PropertyRewriter, source: Buffer): string => {
  const into = Buffer.alloc(rewriter.sizeBound(source.length) + 1)
  const padded = Buffer.concat([Buffer.from('\u0001'), source, Buffer.from('z')])
  return into.toString('utf8', 1, rewriter.rewrite(padded, 1, padded.length - 1, into, 1))
}

test('the byte form stores what the text form stores', () => {
  const rewriter = new PropertyRewriter(change)
  const name = fc.oneof(
    fc.constantFrom('KEYS', 'TAGS', 'WAIT', 'UNIQ_KEY', 'CLUSTER', 'AaAa', 'AaBB', 'BBAa', 'BBBB', 'ä', '😀', ''),
    fc.string({ maxLength: 4 }),
  )
  const entry = fc
    .tuple(name, fc.constantFrom('\u0001', ''), fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), name))
    .map((parts) => parts.join(''))
  const text = fc.array(entry, { maxLength: 70 }).map((entries) => entries.join('\u0002'))
  fc.assert(
    fc.property(text, (source) => equal(rewritten(rewriter, Buffer.from(source)), storedProperties(source, change))),
    { numRuns: 2000 },
  )
})

test('the byte form stores what the text form stores of bytes that are no text', () => {
  const rewriter = new PropertyRewriter(change)
  const bytes = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(1, 2, 65, 66) }, fc.nat(255)), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(bytes, (source) =>
      equal(rewritten(rewriter, Buffer.from(source)), storedProperties(Buffer.from(source), change)),
    ),
    { numRuns: 2000 },
  )
})

test('many properties are stored in the order of a large table', () => {
  const text = range(100, (i) => `name${i}\u0001${i}`).join('\u0002')
  equal(rewritten(new PropertyRewriter(change), Buffer.from(text)), storedProperties(text, change))
})

test('the byte form says where watched properties are', () => {
  const rewriter = new PropertyRewriter(change, ['DELAY', 'UNIQ_KEY'])
  const source = Buffer.from('TAGS\u0001a\u0002UNIQ_KEY\u00017F00\u0002DELAYS\u00013')
  rewriter.rewrite(source, 0, source.length, Buffer.alloc(500), 0)
  equal(rewriter.watchedStart(0), -1)
  equal(source.toString('utf8', rewriter.watchedStart(1), rewriter.watchedEnd(1)), '7F00')
})

test('it says so behind a name that is not ASCII, behind bytes that are no text and among very many properties', () => {
  const rewriter = new PropertyRewriter(change, ['DELAY'])
  const many = range(100, (i) => `name${i}\u0001${i}`).join('\u0002')
  for (const before of [Buffer.from('näme\u0001x'), Buffer.from([65, 1, 0xff]), Buffer.from(many)]) {
    const source = Buffer.concat([before, Buffer.from('\u0002DELAY\u00013\u0002a\u0001b')])
    rewriter.rewrite(source, 0, source.length, Buffer.alloc(5000), 0)
    equal(source.toString('utf8', rewriter.watchedStart(0), rewriter.watchedEnd(0)), '3')
  }
})

test('watched properties are found behind names that are not ASCII and behind very many, the last of equal ones', () => {
  const rewriter = new PropertyRewriter(change, ['DELAY', 'TRAN_MSG'])
  const many = Array.from({ length: 100 }, (_, index) => `n${index}\u0001v\u0002`).join('')
  for (const first of ['名\u0001x\u0002', many, 'DELAY\u00011\u0002名\u0001x\u0002', `${many}名\u0001x\u0002`]) {
    const source = Buffer.from(`${first}TRAN_MSG\u0001true\u0002DELAY\u00013`)
    rewriter.rewrite(source, 0, source.length, Buffer.alloc(10_000), 0)
    equal(source.toString('utf8', rewriter.watchedStart(0), rewriter.watchedEnd(0)), '3')
    equal(source.toString('utf8', rewriter.watchedStart(1), rewriter.watchedEnd(1)), 'true')
  }
})
