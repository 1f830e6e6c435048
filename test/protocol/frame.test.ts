import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeFrame,
  encodeFrame,
  frameSizeBound,
  MAX_FRAME_BYTES,
  MAX_HEADER_BYTES,
  type OutgoingFrame,
  readContentLength,
  writeFrame,
} from '../../lib/protocol/frame.ts'

/** What Java 4.9.8 writes for a pull answer, with fields in HashMap order. */
const JAVA_JSON_FRAME =
  '000000d4000000cf7b22636f6465223a302c226578744669656c6473223a7b2273756767657374576869636842726f6b65724964223a2230222c' +
  '226e657874426567696e4f6666736574223a2231222c226d61784f6666736574223a2231222c226d696e4f6666736574223a2230227d2c22666c' +
  '6167223a312c226c616e6775616765223a224a415641222c226f7061717565223a372c2272656d61726b223a22464f554e44222c227365726961' +
  '6c697a655479706543757272656e74525043223a224a534f4e222c2276657273696f6e223a3430397d07'
const JAVA_ROCKETMQ_FRAME =
  '000000700100006b0000000199000000070000000100000005464f554e4400000051001473756767657374576869636842726f6b65724964000000' +
  '0130000f6e657874426567696e4f6666736574000000013100096d61784f6666736574000000013100096d696e4f6666736574000000013007'

const pullAnswer: OutgoingFrame = {
  code: 0,
  opaque: 7,
  flag: 1,
  language: 0,
  version: 409,
  remark: 'FOUND',
  extFields: new Map([
    ['suggestWhichBrokerId', '0'],
    ['nextBeginOffset', '1'],
    ['maxOffset', '1'],
    ['minOffset', '0'],
  ]),
  body: Buffer.from([7]),
}

const frameOf = (header: Buffer | string, type = 0, body = Buffer.alloc(0)): Buffer => {
  const bytes = Buffer.from(header)
  const word = Buffer.alloc(4)
  word.writeUInt32BE(((type << 24) | bytes.length) >>> 0)
  return Buffer.concat([word, bytes, body])
}

const decodeHeaderText = (text: string) => {
  const frame = frameOf(text)
  return decodeFrame(frame, 0, frame.length)
}

test('a JSON frame is written byte for byte as Java writes it', () => {
  equal(encodeFrame(pullAnswer).toString('hex'), JAVA_JSON_FRAME)
})

test('a ROCKETMQ frame is written byte for byte as Java writes it', () => {
  equal(encodeFrame({ ...pullAnswer, serializeType: 1 }).toString('hex'), JAVA_ROCKETMQ_FRAME)
  const request = encodeFrame({
    code: 34,
    opaque: 7,
    flag: 0,
    language: 0,
    version: 409,
    extFields: new Map([['k', 'v']]),
    serializeType: 1,
  })
  equal(request.toString('hex'), '000000210100001d0022000199000000070000000000000000000000080001' + '6b0000000176')
})

for (const [name, frame] of [
  ['JSON', JAVA_JSON_FRAME],
  ['ROCKETMQ', JAVA_ROCKETMQ_FRAME],
] as const) {
  test(`Java's ${name} frame is read`, () => {
    const bytes = Buffer.from(frame, 'hex')
    const command = decodeFrame(bytes, 4, bytes.length)
    deepEqual(
      { ...command, body: [...command.body] },
      {
        code: 0,
        language: 0,
        version: 409,
        opaque: 7,
        flag: 1,
        remark: 'FOUND',
        extFields: pullAnswer.extFields,
        body: [7],
        serializeType: name === 'JSON' ? 0 : 1,
      },
    )
  })
}

test('whatever is encoded is decoded again, in both encodings, and writeFrame writes the same bytes', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .filter((value) => !/\p{Surrogate}/u.test(value))
  const frames = fc.record({
    code: fc.integer({ min: -32768, max: 32767 }),
    opaque: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    flag: fc.integer({ min: 0, max: 3 }),
    remark: fc.option(text, { nil: undefined }),
    extFields: fc.array(fc.tuple(text, text), { maxLength: 8 }).map((entries) => new Map(entries)),
    body: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    language: fc.integer({ min: 0, max: 13 }),
    version: fc.integer({ min: 0, max: 500 }),
    serializeType: fc.constantFrom(0 as const, 1 as const),
  })
  fc.assert(
    fc.property(frames, (frame) => {
      const bytes = encodeFrame(frame)
      equal(readContentLength(bytes, 0), bytes.length - 4)
      const decoded = decodeFrame(bytes, 4, bytes.length)
      deepEqual({ ...decoded, body: [...decoded.body] }, { ...frame, body: [...frame.body] })
      const into = Buffer.alloc(10 + frameSizeBound(frame))
      const end = writeFrame(frame, into, 10)
      equal(into.subarray(10, end).equals(bytes), true)
    }),
  )
})

test('a header without numbers reads as zeros, unknown keys and languages are passed over', () => {
  const command = decodeHeaderText('{"language":"KLINGON","more":{"a":[1]},"remark":null,"extFields":null}')
  deepEqual(
    [command.code, command.flag, command.opaque, command.version, command.language, command.remark],
    [0, 0, 0, 0, undefined, undefined],
  )
  equal(command.extFields.size, 0)
})

test('ext fields that are numbers or booleans are read as text, nulls as absent', () => {
  const { extFields } = decodeHeaderText('{"code":1,"extFields":{"i":3,"b":true,"n":null,"s":"x"}}')
  deepEqual(
    [...extFields],
    [
      ['i', '3'],
      ['b', 'true'],
      ['s', 'x'],
    ],
  )
})

test('an ext field named __proto__ is nothing special', () => {
  const { extFields } = decodeHeaderText('{"code":1,"extFields":{"__proto__":"x"},"__proto__":{"flag":3}}')
  equal(extFields.get('__proto__'), 'x')
  equal(({} as Record<string, unknown>).flag, undefined)
})

for (const [what, text] of [
  ['no JSON', 'hello'],
  ['a JSON array', '[1]'],
  ['a code that is no integer', '{"code":"x"}'],
  ['a code beyond 32 bits', '{"code":4294967296}'],
  ['an ext field that is an object', '{"extFields":{"a":{}}}'],
  ['ext fields that are an array', '{"extFields":[]}'],
  [
    'too many ext fields',
    JSON.stringify({ extFields: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ''])) }),
  ],
  ['deep nesting', '['.repeat(30_000)],
] as const) {
  test(`a JSON header with ${what} is refused`, () => {
    throws(() => decodeHeaderText(text), { code: 'HEADER_UNDECODABLE' })
  })
}

test('hostile lengths are refused before anything is allocated', () => {
  const lengths = (length: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(length, 0)
    return bytes
  }
  throws(() => readContentLength(lengths(-1), 0), { code: 'FRAME_TOO_SHORT' })
  throws(() => readContentLength(lengths(3), 0), { code: 'FRAME_TOO_SHORT' })
  throws(() => readContentLength(lengths(MAX_FRAME_BYTES - 3), 0), { code: 'FRAME_TOO_LONG' })
  equal(readContentLength(lengths(MAX_FRAME_BYTES - 4), 0), MAX_FRAME_BYTES - 4)
  throws(() => decodeFrame(Buffer.alloc(3), 0, 3), { code: 'FRAME_TOO_SHORT' })
  const frame = frameOf('{}')
  frame.writeUInt32BE(3, 0)
  throws(() => decodeFrame(frame, 0, frame.length), { code: 'FRAME_TOO_SHORT' })
  frame.writeUInt32BE(MAX_HEADER_BYTES + 1, 0)
  throws(() => decodeFrame(frame, 0, frame.length), { code: 'HEADER_TOO_LONG' })
  frame.writeUInt32BE(0x02000002, 0)
  throws(() => decodeFrame(frame, 0, frame.length), { code: 'SERIALIZE_TYPE_UNKNOWN' })
})

test('no ROCKETMQ header makes the reader leave its bytes', () => {
  const valid = Buffer.from(JAVA_ROCKETMQ_FRAME, 'hex').subarray(8, -1)
  fc.assert(
    fc.property(
      fc.nat(valid.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(valid.length),
      (at, byte, length) => {
        const broken = Buffer.from(valid.subarray(0, length))
        if (at < length) broken[at] = byte
        const frame = frameOf(broken, 1, Buffer.from('body'))
        try {
          equal(decodeFrame(frame, 0, frame.length).body.toString(), 'body')
        } catch (error) {
          equal((error as { code: string }).code, 'HEADER_UNDECODABLE')
        }
      },
    ),
  )
})

test('a command that does not fit a frame is not encoded', () => {
  throws(() => encodeFrame({ code: 1, opaque: 1, flag: 0, body: Buffer.alloc(MAX_FRAME_BYTES) }), {
    code: 'FRAME_TOO_LONG',
  })
  throws(() => encodeFrame({ code: 200_050, opaque: 1, flag: 0, serializeType: 1 }), { code: 'HEADER_UNENCODABLE' })
})
