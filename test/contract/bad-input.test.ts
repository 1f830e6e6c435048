import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { RawClient, type RawCommand, splitAddress, withRawClient } from '../support/raw-client.ts'
import { readQueue, sendBatch, sendV1, sendV2 } from '../support/raw-messages.ts'
import { waitFor } from '../support/wait-for.ts'
import { Randomness } from './support/random-bytes.ts'
import { frame, headerText, outcomeOf } from './support/raw-frames.ts'
import { ServedPair, TOPIC } from './support/served-pair.ts'

const SEED = process.env.SEED ?? '20260611'
const Code = {
  PULL_MESSAGE: 11,
  QUERY_MESSAGE: 12,
  QUERY_CONSUMER_OFFSET: 14,
  UPDATE_CONSUMER_OFFSET: 15,
  UPDATE_AND_CREATE_TOPIC: 17,
  UPDATE_BROKER_CONFIG: 25,
  GET_BROKER_RUNTIME_INFO: 28,
  SEARCH_OFFSET_BY_TIMESTAMP: 29,
  GET_MAX_OFFSET: 30,
  GET_MIN_OFFSET: 31,
  HEART_BEAT: 34,
  UNREGISTER_CLIENT: 35,
  LOCK_BATCH_MQ: 41,
  PUT_KV_CONFIG: 100,
  REGISTER_BROKER: 103,
  GET_ROUTE_INFO_BY_TOPIC: 105,
  GET_BROKER_CLUSTER_INFO: 106,
  UPDATE_SUBSCRIPTION_GROUP: 200,
  GET_TOPIC_STATS: 202,
  DELETE_TOPIC_IN_BROKER: 215,
} as const
const OK = 0
const REQUEST_CODE_NOT_SUPPORTED = 3
const MESSAGE_ILLEGAL = 13
const TOPIC_NOT_EXIST = 17
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
const RANDOM_ROUNDS = 150
const DAMAGED_ROUNDS = 400

/** Paths, control characters, what is too long, what is nothing. None may be the name of a topic or group. */
const HOSTILE_NAMES = [
  ...['', ' ', '.', '..', '../x', '../../../../tmp/x', '/abs', 'a/b', 'C:\\x', '%2e%2e/x', '~', '$(id)', 'a.b'],
  ...['a\u0000b', 'a\nb', '\u001b[31m', 'a\u0001b', 'a b', 'größe', '\ud800', '"', 'x'.repeat(128), 'x'.repeat(20_000)],
]
/** Broker and cluster names have a wider alphabet, of which these are not. */
const HOSTILE_BROKER_NAMES = ['', ' ', '.', '..', '../x', '/abs', 'C:\\x', 'a\u0000b', 'a\nb', 'x'.repeat(301)]
/** Names of the right alphabet that mean something to JavaScript's objects. */
const OBJECT_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

const message = { topic: 'Elsewhere', queueId: 0, body: Buffer.from('x'), properties: '', bornTimestampMs: 1 }
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const heartbeat = (group: string, topic: string): RawCommand => {
  const subscription = { topic, subString: '*', tagsSet: [], codeSet: [], subVersion: 1, classFilterMode: false }
  const consumer = { groupName: group, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING' }
  const consumerDataSet = [{ ...consumer, subscriptionDataSet: [subscription] }]
  return { code: Code.HEART_BEAT, body: json({ clientID: 'c', consumerDataSet, producerDataSet: [] }) }
}
const pull = (consumerGroup: string, topic: string, more: Record<string, string> = {}): RawCommand => {
  const numbers = { queueId: '0', queueOffset: '0', maxMsgNums: '32', sysFlag: '4', commitOffset: '0', subVersion: '0' }
  const extFields = { consumerGroup, topic, ...numbers, suspendTimeoutMillis: '0', subscription: '*', ...more }
  return { code: Code.PULL_MESSAGE, extFields }
}
const commit = (consumerGroup: string, topic: string): RawCommand => ({
  code: Code.UPDATE_CONSUMER_OFFSET,
  extFields: { consumerGroup, topic, queueId: '0', commitOffset: '1' },
})
const updateTopic = (topic: string): RawCommand => ({
  code: Code.UPDATE_AND_CREATE_TOPIC,
  extFields: {
    ...{ topic, defaultTopic: 'TBW102', readQueueNums: '1', writeQueueNums: '1', perm: '6', order: 'false' },
    ...{ topicFilterType: 'SINGLE_TAG', topicSysFlag: '0' },
  },
})
const updateGroup = (groupName: string): RawCommand => ({
  code: Code.UPDATE_SUBSCRIPTION_GROUP,
  body: json({ groupName, consumeEnable: true, retryQueueNums: 1, retryMaxTimes: 16 }),
})
const register = (identity: Record<string, string>, body: Buffer): RawCommand => {
  const usual = { brokerName: 'stranger', brokerAddr: '127.0.0.1:1', clusterName: 'C', haServerAddr: '127.0.0.1:2' }
  return { code: Code.REGISTER_BROKER, extFields: { ...usual, brokerId: '0', bodyCrc32: '0', ...identity }, body }
}
const topicsBody = (topics: readonly string[]): Buffer => {
  const table = topics.map((topicName) => [topicName, { topicName, readQueueNums: 1, writeQueueNums: 1, perm: 6 }])
  const dataVersion = { timestamp: 1, counter: 1 }
  return json({ topicConfigSerializeWrapper: { topicConfigTable: Object.fromEntries(table), dataVersion } })
}

let served: ServedPair
before(async () => {
  served = await ServedPair.start()
})
after(() => served.end())
beforeEach(() => served.proveService())

/** Every command is answered with an error on both ports of the broker. */
const allRefused = async (commands: readonly (readonly [string, RawCommand])[]): Promise<void> => {
  for (const address of [served.broker, served.vip]) {
    const client = await RawClient.connect(address)
    for (const [what, command] of commands) {
      const { code, remark } = await client.request(command).catch((cause) => {
        throw new Error(`no answer to ${what}`, { cause })
      })
      notEqual(code, OK, what)
      ok(
        remark !== undefined && remark !== '' && remark.length <= 4096,
        `${what}: ${remark?.length} characters of remark`,
      )
    }
    client.close()
  }
}

const allClosed = async (frames: readonly (readonly [string, Buffer])[]): Promise<void> => {
  for (const [where, address] of served.addresses) {
    for (const [what, bytes] of frames) {
      deepEqual(await outcomeOf(address, bytes), { kind: 'closed' }, `${what} at the ${where}`)
    }
  }
}

test('random bytes and damaged requests end in nothing but an answer or a closed connection', async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const random = new Randomness(SEED)
  const sound = [
    frame(headerText(310, sendV2(message).extFields), { body: Buffer.from('body') }),
    frame(headerText(10, sendV1(message).extFields), { body: Buffer.from('body') }),
    frame(headerText(Code.PULL_MESSAGE, pull('G', TOPIC).extFields)),
    frame(headerText(Code.HEART_BEAT), { body: heartbeat('G', TOPIC).body! }),
    frame(headerText(Code.REGISTER_BROKER, register({}, topicsBody([])).extFields), { body: topicsBody(['T']) }),
    frame(headerText(320, sendBatch(message, [message, message]).extFields), {
      body: sendBatch(message, [message, message]).body!,
    }),
  ]
  for (const [where, address] of served.addresses) {
    for (let round = 0; round < RANDOM_ROUNDS; round++) {
      const bytes = random.bytes(1 + random.below(2000))
      // Half of them with a length that can be true, so that what is inside gets looked at.
      if (round % 2 === 0 && bytes.length > 8) {
        bytes.writeInt32BE(bytes.length - 4, 0)
        bytes.writeUInt32BE((round % 4 === 0 ? 0 : 1 << 24) | random.below(bytes.length - 7), 4)
      }
      equal((await outcomeOf(address, bytes, true)).kind, 'closed', where)
    }
    for (let round = 0; round < DAMAGED_ROUNDS; round++) {
      const bytes = random.damage(sound[round % sound.length]!)
      equal((await outcomeOf(address, bytes, true)).kind, 'closed', where)
    }
  }
})

test('lengths that cannot be true close the connection', async () => {
  const header = headerText(Code.GET_BROKER_RUNTIME_INFO)
  const lying = (frameBytes: number) => frame(header, { frameBytes })
  await allClosed([
    ['a frame one byte over 16 MiB', lying(16 * 1024 * 1024 - 3)],
    ['a frame of 16 MiB and one byte', lying(16 * 1024 * 1024 + 1)],
    ['a frame of 2 GiB - 1', lying(2 ** 31 - 1)],
    ['a frame of -1', lying(-1)],
    ['a frame of -2 GiB', lying(-(2 ** 31))],
    ['a frame of 0', lying(0)],
    ['a frame of 3', lying(3)],
    ['a header one byte longer than the frame', frame(header, { headerBytes: Buffer.byteLength(header) + 1 })],
    ['a header of 16 MiB - 1', frame(header, { headerBytes: 0xffffff })],
    ['a header over 64 KiB', frame(headerText(28, { x: 'x'.repeat(66_000) }))],
    ['no header', frame('')],
    ['serialize type 2', frame(header, { serializeType: 2 })],
    ['serialize type 255', frame(header, { serializeType: 255 })],
    ['a JSON header that says ROCKETMQ', frame(header, { serializeType: 1 })],
    ['a ROCKETMQ header of 2 GiB texts', frame(Buffer.alloc(40, 0x7f), { serializeType: 1 })],
    ['a TLS handshake without content', Buffer.from('160301000401000000', 'hex')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ])
})

test('headers that are no JSON object of the protocol close the connection', async () => {
  const headers = [
    ...['x', '{', '[]', 'null', '"code"', '7', '{"code":310', '{"code":"send"}', '{"code":1e99}', '{"code":{"a":1}}'],
    ...[
      '{"code":28,"extFields":[]}',
      '{"code":28,"extFields":{"a":{"b":1}}}',
      '{"code":28,"opaque":"x"}',
      '\u0000\u0000',
    ],
    ...[
      '{"code":310,"extFields":{"a":"g","b":"T',
      '{"code":310,"extFields":"a"}',
      '{"code":11,"extFields":{"topic":["T"]}}',
    ],
    ...['['.repeat(60_000), '{"a":'.repeat(12_000), `{"code":28,"extFields":${'{"a":'.repeat(10_000)}`],
  ]
  await allClosed(headers.map((header) => [header.slice(0, 60), frame(header)]))
  // Names of JavaScript's objects are keys like any other.
  const harmless = '{"__proto__":{"code":1},"code":28,"extFields":{"__proto__":"x","constructor":"y"},"opaque":77}'
  deepEqual(await outcomeOf(served.broker, frame(harmless)), { kind: 'answered', code: OK, opaque: 77, remark: '' })
})

test('an unknown request code is answered by the broker; the name server says nothing, as 4.9.8 does', async () => {
  for (const code of [9999, 0, -1, 2 ** 31 - 1, -(2 ** 31)]) {
    for (const address of [served.broker, served.vip]) {
      equal(
        await withRawClient(address, async (client) => (await client.request({ code })).code),
        REQUEST_CODE_NOT_SUPPORTED,
      )
    }
    const client = await RawClient.connect(served.nameServer)
    const silence = rejects(client.request({ code }), /connection closed/)
    await client.call({ code: Code.GET_BROKER_CLUSTER_INFO })
    client.close()
    await silence
  }
})

test('bodies that are not what they should be are answered with an error', async () => {
  const bodies: Buffer[] = [
    ...['', 'x', '{', '[]', 'null', '"text"', '7', '{"a":', '{"clientID":', '[{"a":1}', '{}'].map((text) =>
      Buffer.from(text),
    ),
    ...['['.repeat(1_000_000), '{"a":'.repeat(200_000), `{"a":${'['.repeat(100_000)}`].map((text) => Buffer.from(text)),
    ...['{"clientID":{"$ref":"$"},"groupName":{"$ref":"$"}}', '{"__proto__":{"clientID":"c","groupName":"G"}}'].map(
      (text) => Buffer.from(text),
    ),
    Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    new Randomness(SEED).bytes(5000),
  ]
  for (const [index, body] of bodies.entries()) {
    await allRefused([
      [`heartbeat ${index}`, { code: Code.HEART_BEAT, body }],
      [`group ${index}`, { code: Code.UPDATE_SUBSCRIPTION_GROUP, body }],
    ])
    await withRawClient(served.broker, (client) => client.request({ code: Code.LOCK_BATCH_MQ, body }))
    await withRawClient(served.nameServer, (client) => client.request(register({}, body)))
    const compressed = {
      code: Code.REGISTER_BROKER,
      extFields: { ...register({}, body).extFields, compressed: 'true' },
      body,
    }
    if (body.length > 0)
      notEqual((await withRawClient(served.nameServer, (client) => client.request(compressed))).code, OK)
  }
  const bomb = deflateSync(Buffer.alloc(80 * 1024 * 1024))
  const registration = register({ compressed: 'true' }, bomb)
  notEqual((await withRawClient(served.nameServer, (client) => client.request(registration))).code, OK)
})

/** Producer groups may be longer than topics: a name that is only too long for a topic becomes too long for them. */
const producerGroupLike = (name: string): string => (/^x+$/.test(name) ? name.repeat(2) : name)

test('names that are none are refused wherever the broker would take them in', async () => {
  for (const name of HOSTILE_NAMES) {
    const what = JSON.stringify(name.slice(0, 40))
    await allRefused([
      [`send to ${what}`, sendV2({ ...message, topic: name })],
      [`send in the old form to ${what}`, sendV1({ ...message, topic: name })],
      [`batch to ${what}`, sendBatch({ ...message, topic: name }, [message])],
      [`pull from ${what}`, pull('G', name)],
      [`pull as ${what}`, pull(name, TOPIC)],
      [`heartbeat for ${what}`, heartbeat('G', name)],
      [`heartbeat as ${what}`, heartbeat(name, TOPIC)],
      [
        `heartbeat of producer ${what}`,
        {
          code: Code.HEART_BEAT,
          body: json({ clientID: 'c', producerDataSet: [{ groupName: producerGroupLike(name) }] }),
        },
      ],
      [`topic ${what}`, updateTopic(name)],
      [`no topic ${what}`, { code: Code.DELETE_TOPIC_IN_BROKER, extFields: { topic: name } }],
      [`group ${what}`, updateGroup(name)],
      [`offset for ${what}`, commit('G', name)],
      [`offset as ${what}`, commit(name, TOPIC)],
    ])
    await withRawClient(served.broker, async (client) => {
      const place = { topic: name, queueId: '0', timestamp: '0', consumerGroup: 'G', key: 'k', maxNum: '32' }
      const extFields = { ...place, beginTimestamp: '0', endTimestamp: '9999999999999' }
      for (const code of [
        ...[Code.GET_MAX_OFFSET, Code.GET_MIN_OFFSET, Code.SEARCH_OFFSET_BY_TIMESTAMP, Code.GET_TOPIC_STATS],
        ...[Code.QUERY_CONSUMER_OFFSET, Code.QUERY_MESSAGE],
      ]) {
        await client.request({ code, extFields })
      }
      const leaver = { clientID: name, producerGroup: name, consumerGroup: name }
      await client.request({ code: Code.UNREGISTER_CLIENT, extFields: leaver })
    })
  }
  await served.proveNames()
})

test('names that are none are refused by the name server, and its files stay where they are', async () => {
  const client = await RawClient.connect(served.nameServer)
  for (const name of HOSTILE_BROKER_NAMES) {
    for (const identity of [
      { brokerName: name },
      { clusterName: name },
      { brokerAddr: name },
      { brokerAddr: `${name}:1` },
    ]) {
      const { code } = await client.request(register(identity, topicsBody(['Stranger'])))
      // An address of nothing but a host name's characters is one.
      if (!('brokerAddr' in identity && ['.:1', '..:1'].includes(identity.brokerAddr))) {
        notEqual(code, OK, JSON.stringify(identity).slice(0, 60))
      }
    }
    await client.request({ code: Code.PUT_KV_CONFIG, extFields: { namespace: name, key: name, value: 'v' } })
  }
  await client.call(register({}, topicsBody([...HOSTILE_BROKER_NAMES, 'Stranger'])))
  for (const topic of HOSTILE_BROKER_NAMES) {
    const { code } = await client.request({ code: Code.GET_ROUTE_INFO_BY_TOPIC, extFields: { topic } })
    equal(code, TOPIC_NOT_EXIST, JSON.stringify(topic))
  }
  await client.call({ code: Code.GET_ROUTE_INFO_BY_TOPIC, extFields: { topic: 'Stranger' } })
  client.close()
  await served.proveNames()
})

test('messages over a limit and batches with bad lengths are refused', async () => {
  const batch = (body: Buffer): RawCommand => ({ ...sendBatch(message, []), body })
  const entry = (bodyBytes: number, propertiesBytes: number, restBytes: number): Buffer => {
    const bytes = Buffer.alloc(22 + restBytes)
    bytes.writeInt32BE(bodyBytes, 16)
    // Behind the body when that fits, else where it does no harm.
    bytes.writeInt16BE(propertiesBytes, bodyBytes >= 0 && bodyBytes <= restBytes ? 20 + bodyBytes : 20)
    return bytes
  }
  const long = `a\u0001${'x'.repeat(32_768)}`
  const refusals: [string, RawCommand][] = [
    ['a body one byte over the limit', sendV2({ ...message, body: Buffer.alloc(MAX_MESSAGE_BYTES + 1) })],
    ['a body of 15 MiB', sendV2({ ...message, body: Buffer.alloc(15 << 20) })],
    ['a batch over the limit', batch(Buffer.alloc(MAX_MESSAGE_BYTES + 1))],
    ['properties over 32 KB', sendV2({ ...message, properties: long })],
    ['properties over 32 KB in the old form', sendV1({ ...message, properties: long })],
    ['a batch without a message', batch(Buffer.alloc(0))],
    ['a batch that is cut', batch(Buffer.alloc(21))],
    ['a batch with bytes behind it', batch(Buffer.concat([entry(1, 0, 1), Buffer.alloc(5)]))],
    ['a body of -1', batch(entry(-1, 0, 0))],
    ['a body of 2 GiB', batch(entry(2 ** 31 - 1, 0, 10))],
    ['a body longer than the batch', batch(entry(11, 0, 10))],
    ['properties of -1', batch(entry(1, -1, 1))],
    ['properties longer than the batch', batch(entry(1, 2, 2))],
  ]
  await allRefused(refusals)
  const whole = await withRawClient(served.broker, (client) => client.request(refusals[0]![1]))
  equal(whole.code, MESSAGE_ILLEGAL)
  // The largest message there is goes through, and comes back.
  const largest = { ...message, topic: 'Largest', body: Buffer.alloc(MAX_MESSAGE_BYTES, 'x') }
  await withRawClient(served.broker, async (client) => {
    await client.call(sendV2(largest))
    const records = await waitFor('the largest message', async () => {
      const found = await readQueue(client, 'Largest', 0)
      return found.length > 0 && found
    })
    ok(records[0]!.body.equals(largest.body))
  })
})

test('numbers that are none, or out of range, are answered', async () => {
  const send = (fields: Record<string, string>): RawCommand => {
    const command = sendV2({ ...message, topic: TOPIC })
    return { ...command, extFields: { ...command.extFields, ...fields } }
  }
  const refused = ['abc', '', '1e3', '0x0', '2147483648', '-2147483649', '9'.repeat(400), '0.5', '99', '2147483647']
  await allRefused(refused.map((text) => [`queueId ${text}`, send({ e: text })]))
  await allRefused(['abc', '1e3', '9223372036854775808'].map((text) => [`bornTimestamp ${text}`, send({ g: text })]))
  const places = [
    'queueId',
    'queueOffset',
    'maxMsgNums',
    'sysFlag',
    'commitOffset',
    'suspendTimeoutMillis',
    'subVersion',
  ]
  const numbers = ['-1', '-2147483648', '2147483647', '9223372036854775807', '-9223372036854775808', 'abc', '']
  // A pull may wait for messages as long as it says, so each has a connection of its own that does not wait for it.
  const clients = await Promise.all(places.map(() => RawClient.connect(served.broker)))
  for (const [index, place] of places.entries()) {
    for (const text of numbers) clients[index]!.oneway(pull('G', TOPIC, { [place]: text }))
    await clients[index]!.call({ code: Code.GET_BROKER_RUNTIME_INFO })
    clients[index]!.close()
  }
})

test('no path can be set over the wire', async () => {
  const update = (text: string): RawCommand => ({ code: Code.UPDATE_BROKER_CONFIG, body: Buffer.from(text) })
  await allRefused(
    ['storePathRootDir', 'storePathCommitLog', 'brokerConfigPath', 'rocketmqHome', 'configBlackList', '__proto__'].map(
      (key) => [key, update(`${key}=${served.root}/elsewhere`)],
    ),
  )
  await served.proveNames()
})

test('half frames hold nobody up, and what arrives slowly is answered once it is whole', async () => {
  const bytes = frame(headerText(310, sendV2({ ...message, topic: 'Slow' }).extFields), {
    body: Buffer.alloc(500, 'x'),
  })
  const halves = [1, 4, 7, 8, 9, 100, bytes.length - 1]
  const sockets = await Promise.all(
    Array.from({ length: 210 }, async (_, index) => {
      const socket = connect(splitAddress(served.broker))
      await once(socket, 'connect')
      socket.setNoDelay(true).write(bytes.subarray(0, halves[index % halves.length]!))
      return socket
    }),
  )
  await served.proveService()
  for (const [index, socket] of sockets.slice(0, halves.length).entries()) {
    const answer = once(socket, 'data')
    for (let at = halves[index]!; at < bytes.length; at++) {
      await new Promise((resolve) => socket.write(bytes.subarray(at, at + 1), resolve))
    }
    const [data] = (await answer) as [Buffer]
    equal(JSON.parse(data.toString('utf8', 8)).code, OK)
  }
  for (const socket of sockets) socket.destroy()
})

test("names of JavaScript's objects are topics and groups like any other, also after a restart", async () => {
  for (const name of OBJECT_NAMES) {
    await withRawClient(served.broker, async (client) => {
      await client.call(updateTopic(name))
      await client.call(updateGroup(name))
      await client.call(sendV2({ ...message, topic: name, body: Buffer.from(name) }))
      await client.call(heartbeat(name, name))
      await client.call(commit(name, name))
    })
  }
  await served.restart()
  for (const name of OBJECT_NAMES) {
    await withRawClient(served.broker, async (client) => {
      const bodies = (await readQueue(client, name, 0)).map(({ body }) => body.toString())
      deepEqual(bodies, [name])
      const extFields = { consumerGroup: name, topic: name, queueId: '0' }
      equal((await client.call({ code: Code.QUERY_CONSUMER_OFFSET, extFields })).extFields.offset, '1')
    })
    const route = { code: Code.GET_ROUTE_INFO_BY_TOPIC, extFields: { topic: name } }
    await withRawClient(served.nameServer, (client) => client.call(route))
  }
})

test('after all of this the store holds what was acknowledged, nothing strays, and no fault of ours was logged', async () => {
  await served.restart()
  await served.proveMessages()
  await served.proveService()
  await served.proveNames()
  deepEqual(served.faults(), [])
})
