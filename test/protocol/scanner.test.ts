import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Command, Field } from '../../lib/protocol/command.ts'
import { commands, pullMessage, sendMessage, sendMessageV2 } from '../../lib/protocol/commands/index.ts'
import { decodeJsonHeader } from '../../lib/protocol/header-json.ts'
import { peekJsonCode } from '../../lib/protocol/peek-code.ts'
import { compileScanner, type HeaderScanner } from '../../lib/protocol/scanner.ts'

/** As Java 4.9.8 sends it. */
const JAVA_SEND =
  '{"code":310,"extFields":{"a":"pg","b":"TopicA","c":"TBW102","d":"4","e":"1","f":"0","g":"1700000000123","h":"0",' +
  '"i":"KEYS\\u0001k1\\u0002UNIQ_KEY\\u00017F0000010000000000000000000A0001\\u0002WAIT\\u0001true\\u0002TAGS\\u0001TagA",' +
  '"j":"0","k":"false","m":"false"},"flag":0,"language":"JAVA","opaque":11,"serializeTypeCurrentRPC":"JSON","version":409}'

const scanText = (scanner: HeaderScanner, text: string): boolean => {
  // Bytes around the header look like more of it.
  const buffer = Buffer.from(`{"${text}"}`)
  return scanner.scan(buffer, 2, buffer.length - 2)
}

const copied = (scanner: HeaderScanner, slot: number): string => {
  const into = Buffer.alloc(scanner.textBound(slot) + 3)
  return into.toString('utf8', 3, scanner.copyText(slot, into, 3))
}

test('a send request of the Java client is scanned in place', () => {
  const scanner = compileScanner(sendMessageV2)
  ok(scanText(scanner, JAVA_SEND))
  deepEqual([scanner.code, scanner.opaque, scanner.flag, scanner.version, scanner.language], [310, 11, 0, 409, 0])
  equal(scanner.string(scanner.slotOf('topic')), 'TopicA')
  equal(scanner.int(scanner.slotOf('bornTimestamp')), 1_700_000_000_123)
  equal(scanner.int(scanner.slotOf('queueId')), 1)
  equal(scanner.bool(scanner.slotOf('batch')), false)
  equal(scanner.has(scanner.slotOf('maxReconsumeTimes')), false)
  equal(
    copied(scanner, scanner.slotOf('properties')),
    'KEYS\u0001k1\u0002UNIQ_KEY\u00017F0000010000000000000000000A0001\u0002WAIT\u0001true\u0002TAGS\u0001TagA',
  )
})

test('the order of keys and blanks between them do not matter', () => {
  const scanner = compileScanner(sendMessage)
  const text =
    ' { "version" : 317 , "extra":null, "flag":-3,"extFields" : { "queueId" : "+7", "topic":"T", "unknown":"\\n" },"opaque":2147483647,\n"code":10 } '
  ok(scanText(scanner, text))
  deepEqual([scanner.code, scanner.opaque, scanner.flag, scanner.version], [10, 2 ** 31 - 1, -3, 317])
  equal(scanner.int(scanner.slotOf('queueId')), 7)
  equal(scanner.string(scanner.slotOf('topic')), 'T')
})

test('a second scan knows nothing of the first', () => {
  const scanner = compileScanner(sendMessageV2)
  ok(scanText(scanner, JAVA_SEND))
  ok(scanText(scanner, '{"extFields":{"b":"U"}}'))
  deepEqual([scanner.code, scanner.opaque, scanner.version, scanner.language], [0, 0, 0, undefined])
  equal(scanner.has(scanner.slotOf('queueId')), false)
  equal(scanner.int(scanner.slotOf('queueId')), Number.NaN)
  equal(scanner.string(scanner.slotOf('topic')), 'U')
})

for (const text of [
  '',
  '{',
  '{}x',
  '{"code":1',
  '{"code":1,}',
  '{"code":01}',
  '{"code":-0}',
  '{"code":1.5}',
  '{"code":1e3}',
  '{"code":"1"}',
  '{"code":2147483648}',
  '{"code":1,"code":1}',
  '{"\\u0063ode":1}',
  '{"x":{}}',
  '{"x":[]}',
  '{"extFields":null}',
  '{"extFields":{"a":1}}',
  '{"extFields":{"a":"x","a":"x"}}',
  '{"extFields":{"\\"":"x"}}',
  '{"extFields":{"a":"x",}}',
  '{"extFields":{"a":"\\q"}}',
  '{"extFields":{"a":"\\u00g0"}}',
  '{"extFields":{"a":"\u0001"}}',
  '{"extFields":{"a":"x}}',
  `{"extFields":{${Array.from({ length: 257 }, (_, i) => `"k${i}":""`).join(',')}}}`,
]) {
  test(`${text.slice(0, 40)} is left to the generic codec`, () => {
    equal(scanText(compileScanner(sendMessageV2), text), false)
  })
}

test('texts that are no UTF-8 are copied as the generic codec reads them', () => {
  const scanner = compileScanner(sendMessageV2)
  const header = Buffer.concat([
    Buffer.from('{"extFields":{"i":"a'),
    Buffer.from([0xff, 0xe2, 0x82]),
    Buffer.from('\\t"}}'),
  ])
  ok(scanner.scan(header, 0, header.length))
  equal(copied(scanner, scanner.slotOf('properties')), 'a\ufffd\ufffd\t')
})

/** JSON text of a string with some characters escaped that need not be. */
const jsonText = fc
  .tuple(
    fc.string({
      unit: fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        fc.constantFrom('\u0001', '\u0002', '"', '\\', '😀', '\ud83d'),
      ),
    }),
    fc.nat(),
  )
  .map(([text, seed]) =>
    Array.from({ length: text.length }, (_, i) =>
      (seed >> (i % 30)) & 1 ? `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}` : undefined,
    )
      .map((escaped, i) => escaped ?? JSON.stringify(text[i]).slice(1, -1))
      .join(''),
  )
  .map((text) => `"${text}"`)

const numberText = fc.oneof(
  fc.integer().map(String),
  fc.integer({ min: -(2 ** 53), max: 2 ** 53 }).map(String),
  fc.constantFrom(
    '9223372036854775807',
    '-9223372036854775808',
    '+5',
    '',
    '-',
    '1.5',
    '00012',
    '99999999999999999999',
    ' 1',
    'NaN',
    '0x1',
  ),
)

const valueText = fc.oneof(
  { weight: 3, arbitrary: numberText.map((text) => JSON.stringify(text)) },
  jsonText,
  fc.constantFrom('1', 'true', 'null', '{}', '"true"', '"TRUE"'),
)

const headerText = (command: Command): fc.Arbitrary<string> => {
  const keys = Object.keys(command.request).map((name) => command.wireNames?.[name] ?? name)
  const entry = fc.tuple(
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...keys, 'zz', 'bname') }, fc.string()),
    valueText,
  )
  const ext = fc.uniqueArray(entry, { selector: ([key]) => key, maxLength: 16 })
  const member = fc.oneof(
    fc.tuple(fc.constantFrom('code', 'opaque', 'flag', 'version'), fc.oneof(fc.integer().map(String), valueText)),
    fc.tuple(fc.constant('language'), fc.constantFrom('"JAVA"', '"GO"', '"NODE_JS"', '"X"', '3')),
    fc.tuple(fc.constantFrom('remark', 'serializeTypeCurrentRPC', 'zz'), valueText),
    ext.map((entries) => [
      'extFields',
      `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(', ')}}`,
    ]),
  )
  return fc
    .uniqueArray(member, { selector: ([key]) => key, maxLength: 8 })
    .map((members) => `{${members.map(([key, value]) => `"${key}" :${value}`).join(',')}}`)
}

const sameAsGeneric = (scanner: HeaderScanner, command: Command, buffer: Buffer): void => {
  if (!scanner.scan(buffer, 0, buffer.length)) return
  const generic = decodeJsonHeader(buffer, 0, buffer.length)
  deepEqual(
    [scanner.code, scanner.opaque, scanner.flag, scanner.version, scanner.language],
    [generic.code, generic.opaque, generic.flag, generic.version, generic.language],
  )
  for (const [name, field] of Object.entries(command.request) as [string, Field<unknown>][]) {
    const slot = scanner.slotOf(name)
    const text = generic.extFields.get(command.wireNames?.[name] ?? name)
    equal(scanner.has(slot), text !== undefined)
    if (text === undefined) continue
    equal(scanner.string(slot), text)
    equal(copied(scanner, slot), Buffer.from(text).toString())
    if (field.type === 'bool') equal(scanner.bool(slot), field.parse(text))
    if (field.type.startsWith('int')) equal(scanner.int(slot), field.parse(text) ?? Number.NaN)
  }
}

for (const command of [sendMessageV2, sendMessage, pullMessage] as Command[]) {
  test(`whatever the scanner of ${command.name} takes, it reads as the generic codec does`, () => {
    const scanner = compileScanner(command)
    fc.assert(
      fc.property(headerText(command), (text) => sameAsGeneric(scanner, command, Buffer.from(text))),
      { numRuns: 1000 },
    )
  })
}

test('a header with one byte changed is read as the generic codec reads it, or left to it', () => {
  const scanner = compileScanner(sendMessageV2)
  fc.assert(
    fc.property(fc.nat(JAVA_SEND.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const buffer = Buffer.from(JAVA_SEND)
      buffer[at] = byte
      sameAsGeneric(scanner, sendMessageV2, buffer)
    }),
    { numRuns: 3000 },
  )
})

test('every command has a scanner that tells its fields apart', () => {
  for (const command of commands) {
    const scanner = compileScanner(command)
    const names = Object.keys(command.request)
    const members = names.map((name, i) => `"${command.wireNames?.[name] ?? name}":"${i}"`)
    ok(scanText(scanner, `{"code":${command.code},"extFields":{${members.join(',')}}}`))
    for (const [i, name] of names.entries()) equal(scanner.string(scanner.slotOf(name)), String(i))
  }
})

test('the code is peeked wherever it stands at top level', () => {
  const peek = (text: string): number => {
    const buffer = Buffer.from(`"${text}"`)
    return peekJsonCode(buffer, 1, buffer.length - 1)
  }
  equal(peek(JAVA_SEND), 310)
  equal(peek('{ "extFields":{"code":"5","x":["}",{}]},"language":"a\\"b","code":-7 }'), -7)
  for (const text of ['', '{', '{}', '[1]', '{"code":"1"}', '{"a":1}', '{"extFields":{"code":1}', '{"code":1'])
    equal(peek(text), -1)
})
