import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { parseJavaJson, stringifyJava } from '../../lib/base/java-json.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseJavaJson(text)))

test('ordinary JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.boolean(), (text, spaced) => {
      const value = JSON.parse(text) as unknown
      // -0 is written as 0, so compare what both stand for.
      deepEqual(plain(spaced ? JSON.stringify(value, null, 2) : text), JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 500 },
  )
})

for (const [what, text, expected] of [
  ['keys that are bare numbers', '{0:"a",12:"b",-1:"c"}', { 0: 'a', 12: 'b', '-1': 'c' }],
  ['keys that are words or in single quotes', "{a:1,'b c':'x\\'y'}", { a: 1, 'b c': "x'y" }],
  ['keys that are objects', '{{"queueId":1,"brokerName":"b"}:{"x":1}}', { '{"brokerName":"b","queueId":1}': { x: 1 } }],
  ['trailing and doubled commas', '{"a":[1,2,],,"b":3,}', { a: [1, 2], b: 3 }],
  ['comments', '/* x */{"a":// y\n1}', { a: 1 }],
  ['Java number suffixes', '{"a":5L,"b":1.5D}', { a: 5, b: 1.5 }],
  ['longs', '{"a":9223372036854775807}', { a: 2 ** 63 }],
  ['escapes', '["\\u00e4\\x41\\/\\0\\v"]', ['äA/\0\v']],
  ['a byte order mark', '\ufeff{}', {}],
] as const) {
  test(`${what} are read`, () => {
    deepEqual(plain(text), JSON.parse(JSON.stringify(expected)))
  })
}

test('references point at values by path, by themselves and through others', () => {
  deepEqual(plain('{"a":{"x":1},"b":{"$ref":"$.a"},"c":{"$ref":"$.b"}}'), { a: { x: 1 }, b: { x: 1 }, c: { x: 1 } })
  deepEqual(plain('{"l":[{"y":2},{"$ref":"$.l[0]"}]}'), { l: [{ y: 2 }, { y: 2 }] })
  deepEqual(plain('{"a-b":{"c.d":[3]},"r":{"$ref":"$.a\\\\-b.c\\\\.d"}}'), { 'a-b': { 'c.d': [3] }, r: [3] })
  equal(plain('{"$ref":"$","other":1}') !== undefined, true)
})

test('references that lead nowhere, round in circles or multiply are refused', () => {
  throws(() => parseJavaJson('{"a":{"$ref":"$.b"}}'), { code: 'JSON_SYNTAX' })
  throws(() => parseJavaJson('{"a":{"$ref":"$.a"}}'), { code: 'JSON_SYNTAX' })
  throws(() => parseJavaJson('{"$ref":"$"}'), { code: 'JSON_SYNTAX' })
  throws(() => parseJavaJson('{"a":{"b":{"$ref":"$"}}}'), { code: 'JSON_TOO_DEEP' })
  throws(() => parseJavaJson('{"a":{"b":{"$ref":".."}}}'), { code: 'JSON_TOO_DEEP' })
  const doubling = Array.from({ length: 40 }, (_, i) => `"v${i + 1}":[{"$ref":"$.v${i}"},{"$ref":"$.v${i}"}]`)
  throws(() => parseJavaJson(`{"v0":[1],${doubling.join(',')}}`), { code: 'JSON_TOO_LARGE' })
})

test('short hostile texts do not make the reader work long or keep much', () => {
  // Each level of an object within a key would double the escapes of its text.
  const nestedKeys = (depth: number): string => `${'{'.repeat(depth)}"a":1${'}:1'.repeat(depth - 1)}}`
  equal(plain(nestedKeys(2)) !== undefined, true)
  throws(() => parseJavaJson(nestedKeys(3)), { code: 'JSON_TOO_DEEP' })
  throws(() => parseJavaJson(nestedKeys(26)), { code: 'JSON_TOO_DEEP' })
  // Each of these points at the one behind it: resolved one by one they would take hours.
  const chain = (links: number): string => {
    const members = Array.from({ length: links }, (_, i) => `"a${i}":{"$ref":"$.a${i + 1}"}`)
    return `{${members.join(',')},"a${links}":1}`
  }
  equal((plain(chain(4)) as { a0: number }).a0, 1)
  const startedAt = performance.now()
  throws(() => parseJavaJson(chain(50_000)), { code: 'JSON_TOO_DEEP' })
  ok(performance.now() - startedAt < 10_000)
})

test('depth and size are bounded', () => {
  equal(Array.isArray(parseJavaJson('['.repeat(64) + ']'.repeat(64))), true)
  throws(() => parseJavaJson('['.repeat(65) + ']'.repeat(65)), { code: 'JSON_TOO_DEEP' })
  throws(() => parseJavaJson('{"a":'.repeat(100_000)), { code: 'JSON_TOO_DEEP' })
  throws(() => parseJavaJson('[1,2,3]', { maxValues: 3 }), { code: 'JSON_TOO_LARGE' })
})

for (const text of ['', '{', '[', '{"a"}', '{"a":}', '{"a" 1}', '"x', '"\\u12', '"\\', '{}x', 'nope', '{[1:2}', '/*']) {
  test(`${JSON.stringify(text)} is refused`, () => {
    throws(() => parseJavaJson(text), { code: 'JSON_SYNTAX' })
  })
}

test('no text is read with an error of another kind', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    "'",
    '\\',
    'a',
    '1',
    '-',
    '.',
    '$ref',
    '"$ref":"$.a"',
    '/*',
    '*/',
    '//',
    '\n',
    'null',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        parseJavaJson(pieces.join(''))
      } catch (error) {
        equal(/^JSON_/.test((error as { code: string }).code), true)
      }
    }),
    { numRuns: 2000 },
  )
})

test('__proto__ is a key like any other', () => {
  const value = parseJavaJson('{"__proto__":{"polluted":true}}') as Record<string, unknown>
  deepEqual(Object.keys(value), ['__proto__'])
  equal(({} as Record<string, unknown>).polluted, undefined)
})

test('values are written with sorted keys, bare numeric keys and without empty members', () => {
  equal(stringifyJava({ b: 1, a: [true, 'x'], n: null, u: undefined }), '{"a":[true,"x"],"b":1}')
  equal(
    stringifyJava(
      new Map<unknown, unknown>([
        ['z', 1],
        [3, 'x'],
        [{ k: 1 }, null],
      ]),
    ),
    '{"z":1,3:"x",{"k":1}:null}',
  )
  equal(
    stringifyJava(
      new Map([
        [2, 'b'],
        [1, 'a'],
      ]),
      { numericKeys: 'quoted', sortMaps: true },
    ),
    '{"1":"a","2":"b"}',
  )
  equal(stringifyJava(new Set(['a'])), '["a"]')
})

// As fastjson 1.2.69 writes them.
test('the pretty form has tabs, and no lines for keys that are no text', () => {
  const value = {
    e: [],
    l: [1, 'a\u0001\u2028é/</"\\\t', {}],
    m: new Map([
      [0, 5],
      [1, 7],
    ]),
  }
  equal(
    stringifyJava(value, { pretty: true }),
    '{\n\t"e":[],\n\t"l":[\n\t\t1,\n\t\t"a\\u0001\u2028é/</\\"\\\\\\t",\n\t\t{}\n\t],\n\t"m":{0:5,1:7\n\t}\n}',
  )
})

test('the ASCII form escapes as fastjson does for browsers', () => {
  equal(stringifyJava(['a\u0001\u2028é/</"\\\t'], { ascii: true }), '["a\\u0001\\u2028\\u00E9\\/<\\/\\"\\\\\\t"]')
})

test('what is written is read again', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()))),
      fc.boolean(),
      fc.boolean(),
      (value, pretty, ascii) => {
        deepEqual(plain(stringifyJava(value, { pretty, ascii })), JSON.parse(JSON.stringify(value)))
      },
    ),
  )
})

test('a text that was read does not keep in memory what stood around it', () => {
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: 10 }, (_, i) => {
    const body = Buffer.from(
      `{"around":"${'x'.repeat(4 << 20)}","name":"a name to keep ${i}",'other':'another name ${i}'}`,
    )
    const { name, other } = parseJavaJson(body) as { name: string; other: string }
    return [name, other]
  })
  collect()
  ok(process.memoryUsage().heapUsed - before < 8 << 20)
  deepEqual(kept[9], ['a name to keep 9', 'another name 9'])
})
