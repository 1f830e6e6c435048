import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { before, suite, test } from 'node:test'
import type { Cell } from '../../bench/broker/cells.ts'
import { buildGenerator, type GeneratorReport, generate, generatorAvailability } from '../../bench/broker/generator.ts'
import { type Answer, FrameServer } from './frame-server.ts'

const availability = generatorAvailability()
const skip = availability.available ? false : availability.reason
const QUEUES = 4
/** A limit of time only for a run that goes wrong: the runs below end by their number of requests. */
const DURATION_SECONDS = 60

const sendCell: Cell = { mode: 'send', connections: 2, inFlight: 8, bodyBytes: 100, sendStyle: 'coalesced' }
const pullCell: Cell = { ...sendCell, mode: 'pull' }
const stored: Answer = { extFields: { msgId: '7F000001', queueId: '0', queueOffset: '0' } }

const record = (sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes)
  bytes.writeInt32BE(sizeBytes, 0)
  bytes.writeUInt32BE(0xdaa320a7, 4)
  return bytes
}

suite('the load generator', { skip }, () => {
  let program = ''

  before(async () => {
    program = await buildGenerator()
  })

  const load = (server: FrameServer, cell: Cell, maxRequests: number): Promise<GeneratorReport> =>
    generate(program, {
      address: server.address,
      topic: 'T',
      queues: QUEUES,
      cell,
      durationSeconds: DURATION_SECONDS,
      warmUpSeconds: 0,
      maxRequests,
    })

  const refused = (...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(program, args, { encoding: 'utf8' })

  test('counts exactly the messages that the server answered', async () => {
    await using server = await FrameServer.start(() => stored)
    const report = await load(server, sendCell, 1000)
    equal(server.requests.length, 1000)
    deepEqual(
      [report.sent, report.answered, report.operations, report.messages, report.errors, report.unanswered],
      [1000, 1000, 1000, 1000, 0, 0],
    )
    equal(report.firstError, null)
    ok(report.p50Us > 0 && report.p50Us <= report.p99Us && report.p99Us <= report.p999Us)
    ok(report.p999Us <= report.maxUs)
  })

  test('sends messages of the shape that a Java client sends', async () => {
    await using server = await FrameServer.start(() => stored)
    const report = await load(server, sendCell, 200)
    const [first] = server.requests
    equal(first?.code, 310)
    equal(first?.headerBytes, report.headerBytes)
    deepEqual(Object.keys(first?.extFields ?? {}).join(''), 'abcdefghijkmn')
    const properties = (first?.extFields.i ?? '').replaceAll('\u0001', '=').replaceAll('\u0002', '&')
    match(properties, /^UNIQ_KEY=[0-9A-F]{32}&WAIT=true&TAGS=TagA$/)
    ok(server.requests.every((request) => request.body.length === 100))
    const distinct = (of: (request: (typeof server.requests)[number]) => unknown) =>
      new Set(server.requests.map(of)).size
    equal(
      distinct((request) => request.extFields.i),
      200,
    )
    equal(
      distinct((request) => request.body.toString('hex')),
      200,
    )
    deepEqual([...new Set(server.requests.map((request) => request.extFields.e))].sort(), ['0', '1', '2', '3'])
  })

  test('sends as many messages when each has a send() of its own', async () => {
    await using server = await FrameServer.start(() => stored)
    const report = await load(server, { ...sendCell, sendStyle: 'single' }, 1000)
    deepEqual([server.requests.length, report.operations, report.errors], [1000, 1000, 0])
  })

  test('matches answers that come in another order than the requests', async () => {
    const held: ((answer: Answer) => void)[] = []
    await using server = await FrameServer.start((_, index) => {
      if (index % 10 !== 9) return new Promise<Answer>((release) => held.push(release))
      for (const release of held.splice(0).reverse()) release(stored)
      return stored
    })
    const report = await load(server, { ...sendCell, connections: 1, inFlight: 50 }, 500)
    deepEqual([report.operations, report.errors, report.unanswered], [500, 0, 0])
  })

  test('counts answers with an error code and names the first', async () => {
    await using server = await FrameServer.start((_, index) =>
      index % 10 === 9 ? { code: 2, remark: 'too "busy"' } : stored,
    )
    const report = await load(server, sendCell, 1000)
    deepEqual([report.errors, report.operations, report.answered], [100, 900, 1000])
    deepEqual(report.responseCodes, { 0: 900, 2: 100 })
    match(report.firstError ?? '', /code 2: too .*busy/)
  })

  test('counts the records of pulls and goes on where the broker says', async () => {
    const body = Buffer.concat([record(100), record(120), record(91)])
    await using server = await FrameServer.start(({ extFields }) => {
      const next = Number(extFields.queueOffset) + 3
      return {
        body,
        extFields: { nextBeginOffset: `${next}`, minOffset: '0', maxOffset: '50', suggestWhichBrokerId: '0' },
      }
    })
    const report = await load(server, { ...pullCell, connections: 1, inFlight: 1 }, 10)
    deepEqual([report.operations, report.messages, report.errors], [10, 30, 0])
    // 18 + 32 still fits below 50; from 21 on a batch would not be whole any more.
    deepEqual(
      server.requests.map((request) => Number(request.extFields.queueOffset)),
      [0, 3, 6, 9, 12, 15, 18, 0, 3, 6],
    )
    equal(server.requests[0]?.code, 11)
  })

  test('reports a pull that brings no whole records as an error', async () => {
    const cut = record(100).subarray(0, 60)
    await using server = await FrameServer.start(() => ({ body: cut, extFields: { nextBeginOffset: '0' } }))
    const report = await load(server, pullCell, 20)
    deepEqual([report.operations, report.errors], [0, 20])
  })

  test('ends and reports what was lost when the server hangs up', async () => {
    await using server = await FrameServer.start((_, index) => (index === 100 ? { hangUp: true } : stored))
    const report = await load(server, { ...sendCell, connections: 1 }, 1000)
    ok(report.sent < 1000 && report.errors > 0)
    equal(report.sent, report.answered + report.unanswered)
    match(report.firstError ?? '', /closed the connection|reset/)
  })

  test('reports requests that were never answered, and ends all the same', async () => {
    await using server = await FrameServer.start((_, index) => (index % 10 === 9 ? undefined : stored))
    const cell = { ...sendCell, connections: 1, inFlight: 5 }
    const times = { durationSeconds: 0.3, warmUpSeconds: 0, drainSeconds: 0.1 }
    const report = await generate(program, { address: server.address, topic: 'T', queues: QUEUES, cell, ...times })
    // Every tenth request keeps its slot for good, so that the fifth such request is the last of all.
    deepEqual([report.sent, report.answered, report.unanswered, report.errors], [50, 45, 5, 5])
    match(report.firstError ?? '', /no answer arrived in time/)
  })

  for (const [what, bytes] of [
    ['a frame that claims 2 GiB', Buffer.from('7fffffff00000004', 'hex')],
    ['a negative length', Buffer.from('ffffffff00000000', 'hex')],
    ['a header longer than its frame', Buffer.from('000000080000ffff00000000', 'hex')],
    ['a header that is no JSON', Buffer.from('0000000c000000087b7b7b7b7b7b7b7b', 'hex')],
    ['a header that is cut', Buffer.concat([Buffer.from('0000000e0000000a', 'hex'), Buffer.from('{"code":0,')])],
  ] as const) {
    test(`closes the connection on ${what}`, async () => {
      await using server = await FrameServer.start(() => ({ bytes }))
      const report = await load(server, { ...sendCell, connections: 1, inFlight: 1 }, 10)
      deepEqual([report.sent, report.answered, report.errors], [1, 0, 1])
      match(report.firstError ?? '', /frame/)
    })
  }

  test('takes an answer nobody waits for as a fault of the connection', async () => {
    const header = Buffer.from('{"code":0,"flag":1,"opaque":1000001}')
    const lengths = Buffer.from([0, 0, 0, 4 + header.length, 0, 0, 0, header.length])
    await using server = await FrameServer.start(() => ({ bytes: Buffer.concat([lengths, header]) }))
    const report = await load(server, { ...sendCell, connections: 1, inFlight: 1 }, 10)
    match(report.firstError ?? '', /1000001 arrived, which is not outstanding/)
  })

  test('loads no machine but this one', () => {
    for (const address of ['10.0.0.1:10911', '0.0.0.0:10911', '192.168.0.7:9876', '[::]:9876', 'example.org:10911']) {
      const { status, stderr } = refused('--address', address)
      equal(status, 2, address)
      match(stderr, /must be a loopback address/)
    }
  })

  test('refuses what is beyond its limits', () => {
    const local = ['--address', '127.0.0.1:1']
    for (const wrong of [
      ['--connections', '0'],
      ['--connections', '4097'],
      ['--in-flight', '65537'],
      ['--body', '4194305'],
      ['--duration', '1e9'],
      ['--duration', 'nan'],
      ['--topic', '../x'],
      ['--topic', ''],
      ['--queues', '8x'],
      ['--mode', 'both'],
      ['--colour', 'red'],
      ['--duration'],
    ]) {
      const { status, stderr } = refused(...local, ...wrong)
      equal(status, 2, wrong.join(' '))
      ok(stderr.includes(wrong[0] as string), stderr)
    }
    equal(refused(...local, '--connections', '4096', '--in-flight', '4096').status, 2)
  })

  test('says why it could not connect', () => {
    const { status, stderr } = refused('--address', '127.0.0.1:1')
    equal(status, 1)
    match(stderr, /connect/)
  })
})
