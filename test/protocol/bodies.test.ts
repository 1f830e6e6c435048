import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import {
  type BrokerData,
  consumerOffsetParts,
  decodeCheckClient,
  decodeClusterInfo,
  decodeConsumerConnection,
  decodeConsumerList,
  decodeConsumerOffsets,
  decodeConsumeStats,
  decodeConsumeStatsList,
  decodeDataVersion,
  decodeDelayOffsets,
  decodeGroupList,
  decodeHeartbeat,
  decodeKVTable,
  decodeLockBatchRequest,
  decodeLockBatchResponse,
  decodeProducerConnection,
  decodeProducerTable,
  decodeQueryConsumeQueue,
  decodeQueryCorrectionOffset,
  decodeRegisterBroker,
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupWrapper,
  decodeTopicConfigWrapper,
  decodeTopicList,
  decodeTopicRoute,
  decodeTopicStats,
  encodeCheckClient,
  encodeClusterInfo,
  encodeConsumerConnection,
  encodeConsumerList,
  encodeConsumerOffsets,
  encodeConsumeStats,
  encodeConsumeStatsList,
  encodeDataVersion,
  encodeDelayOffsets,
  encodeGroupList,
  encodeHeartbeat,
  encodeKVTable,
  encodeLockBatchRequest,
  encodeLockBatchResponse,
  encodeProducerConnection,
  encodeProducerTable,
  encodeQueryConsumeQueue,
  encodeQueryCorrectionOffset,
  encodeRegisterBroker,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupWrapper,
  encodeTopicConfigWrapper,
  encodeTopicList,
  encodeTopicRoute,
  encodeTopicStats,
  messageQueueKey,
  nextDataVersion,
  sameDataVersion,
  subscriptionGroupConfig,
  topicConfig,
} from '../../lib/protocol/bodies/index.ts'

// Every text below that is called Java's was written by the classes of RocketMQ 4.9.8.

const SUBSCRIPTION =
  '{"classFilterMode":false,"codeSet":[2598919],"expressionType":"TAG","subString":"TagA","subVersion":99,"tagsSet":["TagA"],"topic":"T"}'
const QUEUE = '{"brokerName":"b","queueId":1,"topic":"T"}'
const CONNECTIONS = '"connectionSet":[{"clientAddr":"a:1","clientId":"c","language":"JAVA","version":409}]'
const TOPICS =
  '{"dataVersion":{"counter":3,"timestamp":1700000000000},"topicConfigTable":{"TopicA":{"order":false,"perm":6,' +
  '"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"TopicA","topicSysFlag":0,"writeQueueNums":4}}}'

/** Bodies by name: what reads them, what writes them, and Java's text, which must come out as it went in. */
const JAVA_BODIES: readonly [string, (text: string) => unknown, string][] = [
  [
    'HeartbeatData',
    (text) => encodeHeartbeat(decodeHeartbeat(text)),
    `{"clientID":"c@1","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[${SUBSCRIPTION}],"unitMode":false}],"producerDataSet":[{"groupName":"p"}]}`,
  ],
  [
    'CheckClientRequestBody',
    (text) => encodeCheckClient(decodeCheckClient(text)),
    `{"clientId":"c","group":"g","subscriptionData":${SUBSCRIPTION}}`,
  ],
  [
    'ClusterInfo',
    (text) => encodeClusterInfo(decodeClusterInfo(text)),
    '{"brokerAddrTable":{"b":{"brokerAddrs":{0:"1.2.3.4:1",1:"1.2.3.4:2"},"brokerName":"bé","cluster":"c"}},"clusterAddrTable":{"c":["b"]}}',
  ],
  ['TopicConfigSerializeWrapper', (text) => encodeTopicConfigWrapper(decodeTopicConfigWrapper(text)), TOPICS],
  [
    'RegisterBrokerBody',
    (text) => encodeRegisterBroker(decodeRegisterBroker(Buffer.from(text))),
    `{"filterServerList":["f:1"],"topicConfigSerializeWrapper":${TOPICS}}`,
  ],
  ['DataVersion', (text) => encodeDataVersion(decodeDataVersion(text)), '{"counter":3,"timestamp":1700000000000}'],
  [
    'TopicStatsTable',
    (text) => encodeTopicStats(decodeTopicStats(text)),
    `{"offsetTable":{${QUEUE}:{"lastUpdateTimestamp":3,"maxOffset":2,"minOffset":1}}}`,
  ],
  [
    'ConsumeStats',
    (text) => encodeConsumeStats(decodeConsumeStats(text)),
    `{"consumeTps":1.5,"offsetTable":{${QUEUE}:{"brokerOffset":5,"consumerOffset":4,"lastTimestamp":9}}}`,
  ],
  [
    'ConsumeStatsList',
    (text) => encodeConsumeStatsList(decodeConsumeStatsList(text)),
    `{"brokerAddr":"a:1","consumeStatsList":[{"g":[{"consumeTps":1.5,"offsetTable":{${QUEUE}:{"brokerOffset":5,"consumerOffset":4,"lastTimestamp":9}}}]}],"totalDiff":0}`,
  ],
  [
    'LockBatchRequestBody',
    (text) => encodeLockBatchRequest(decodeLockBatchRequest(text)),
    `{"clientId":"c","consumerGroup":"g","mqSet":[${QUEUE}]}`,
  ],
  [
    'LockBatchResponseBody',
    (text) => encodeLockBatchResponse(decodeLockBatchResponse(text)),
    `{"lockOKMQSet":[${QUEUE}]}`,
  ],
  [
    'QueryCorrectionOffsetBody',
    (text) => encodeQueryCorrectionOffset(decodeQueryCorrectionOffset(text)),
    '{"correctionOffsets":{0:3}}',
  ],
  ['KVTable', (text) => encodeKVTable(decodeKVTable(text)), '{"table":{"k":"v"}}'],
  ['TopicList', (text) => encodeTopicList(decodeTopicList(text)), '{"topicList":["T"]}'],
  ['GroupList', (text) => encodeGroupList(decodeGroupList(text)), '{"groupList":["g"]}'],
  [
    'GetConsumerListByGroupResponseBody',
    (text) => encodeConsumerList(decodeConsumerList(text)),
    '{"consumerIdList":["c1","c2"]}',
  ],
  [
    'ConsumerConnection',
    (text) => encodeConsumerConnection(decodeConsumerConnection(text)),
    `{${CONNECTIONS},"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{"T":${SUBSCRIPTION}}}`,
  ],
  ['ProducerConnection', (text) => encodeProducerConnection(decodeProducerConnection(text)), `{${CONNECTIONS}}`],
  [
    'ProducerTableInfo',
    (text) => encodeProducerTable(decodeProducerTable(text)),
    '{"data":{"p":[{"clientId":"c","language":"JAVA","lastUpdateTimestamp":77,"remoteIP":"1.1.1.1:1","version":409}]}}',
  ],
  [
    'QueryConsumeQueueResponseBody',
    (text) => encodeQueryConsumeQueue(decodeQueryConsumeQueue(text)),
    `{"filterData":"f","maxQueueIndex":4,"minQueueIndex":1,"queueData":[{"eval":true,"msg":"m","physicOffset":1,"physicSize":2,"tagsCode":3}],"subscriptionData":${SUBSCRIPTION}}`,
  ],
  [
    'ConsumerOffsetSerializeWrapper',
    (text) => encodeConsumerOffsets(decodeConsumerOffsets(text)),
    '{"offsetTable":{"T@g":{0:5,1:7}}}',
  ],
]

for (const [name, roundTrip, text] of JAVA_BODIES) {
  test(`Java's ${name} is read, and written as Java writes it`, () => {
    equal(String(roundTrip(text)), text)
  })
}

test('config files have the pretty form of Java', () => {
  const dataVersion = { counter: 3, timestamp: 1_700_000_000_000 }
  const topics = {
    dataVersion,
    topicConfigTable: new Map([['TopicA', topicConfig('TopicA', { readQueueNums: 4, writeQueueNums: 4 })]]),
  }
  equal(
    encodeTopicConfigWrapper(topics, true).toString(),
    '{\n\t"dataVersion":{\n\t\t"counter":3,\n\t\t"timestamp":1700000000000\n\t},\n\t"topicConfigTable":{\n\t\t"TopicA":{\n' +
      '\t\t\t"order":false,\n\t\t\t"perm":6,\n\t\t\t"readQueueNums":4,\n\t\t\t"topicFilterType":"SINGLE_TAG",\n' +
      '\t\t\t"topicName":"TopicA",\n\t\t\t"topicSysFlag":0,\n\t\t\t"writeQueueNums":4\n\t\t}\n\t}\n}',
  )
  const groups = { dataVersion, subscriptionGroupTable: new Map([['g', subscriptionGroupConfig('g')]]) }
  equal(
    encodeSubscriptionGroupWrapper(groups, true).toString(),
    '{\n\t"dataVersion":{\n\t\t"counter":3,\n\t\t"timestamp":1700000000000\n\t},\n\t"subscriptionGroupTable":{\n\t\t"g":{\n' +
      '\t\t\t"brokerId":0,\n\t\t\t"consumeBroadcastEnable":true,\n\t\t\t"consumeEnable":true,\n\t\t\t"consumeFromMinEnable":true,\n' +
      '\t\t\t"groupName":"g",\n\t\t\t"notifyConsumerIdsChangedEnable":true,\n\t\t\t"retryMaxTimes":16,\n\t\t\t"retryQueueNums":1,\n' +
      '\t\t\t"whichBrokerWhenConsumeSlowly":1\n\t\t}\n\t}\n}',
  )
  const offsets = {
    offsetTable: new Map([
      [
        'T@g',
        new Map([
          [0, 5],
          [1, 7],
        ]),
      ],
    ]),
  }
  equal(encodeConsumerOffsets(offsets, true).toString(), '{\n\t"offsetTable":{\n\t\t"T@g":{0:5,1:7\n\t\t}\n\t}\n}')
  const none = { dataVersion, topicConfigTable: new Map() }
  equal(encodeTopicConfigWrapper(none, true).toString().endsWith('"topicConfigTable":{}\n}'), true)
})

test('consumer offsets written in parts are those written at once', () => {
  const entries = Array.from({ length: 7 }, (_, i) => [`T${i}@g`, new Map(i === 3 ? [] : [[0, i]])] as const)
  for (const count of [0, 1, 2, 3, 7]) {
    const some = entries.slice(0, count)
    for (const perPart of [1, 3, 7]) {
      const parts = [...consumerOffsetParts(some, perPart)]
      equal(Buffer.concat(parts).toString(), encodeConsumerOffsets({ offsetTable: new Map(some) }, true).toString())
      equal(parts.length, Math.max(1, Math.ceil(count / perPart)))
    }
  }
})

const brokerData: BrokerData = {
  cluster: 'c',
  brokerName: 'bé',
  brokerAddrs: new Map([
    [0, '1.2.3.4:1'],
    [1, '1.2.3.4:2'],
  ]),
}
const route = {
  queueDatas: [{ brokerName: 'b', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
  brokerDatas: [brokerData],
  filterServerTable: new Map<string, string[]>(),
}

test('a route has bare broker ids for old clients and is standard JSON for new ones, as Java writes both', () => {
  const queues = '"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}'
  const old = `{"brokerDatas":[{"brokerAddrs":{0:"1.2.3.4:1",1:"1.2.3.4:2"},"brokerName":"bé","cluster":"c"}],"filterServerTable":{},${queues}`
  const standard = `{"brokerDatas":[{"brokerAddrs":{"0":"1.2.3.4:1","1":"1.2.3.4:2"},"brokerName":"b\\u00E9","cluster":"c"}],"filterServerTable":{},${queues}`
  equal(encodeTopicRoute(route, false).toString(), old)
  equal(encodeTopicRoute(route, true).toString(), standard)
  deepEqual(decodeTopicRoute(old), route)
  deepEqual(decodeTopicRoute(standard), route)
})

test('an ordered route and its filter servers are kept', () => {
  const ordered = { ...route, orderTopicConf: 'b:4', filterServerTable: new Map([['a:1', ['f:1']]]) }
  deepEqual(decodeTopicRoute(encodeTopicRoute(ordered, false)), ordered)
})

test('a registration compressed by Java is read, and ours has the same content', () => {
  const packed =
    '78da63606050af564ace2fcd2b492d52b232d6512ac9cc4d2d2e49cc2d50b232343740805a0606064620160fc92fc84c76543001423385604f3f' +
    '771fd7f8104777a0147bb4529a95a1522c0094c5140e'
  const body = decodeRegisterBroker(Buffer.from(packed, 'hex'), true)
  deepEqual(
    body,
    decodeRegisterBroker(Buffer.from(`{"filterServerList":["f:1"],"topicConfigSerializeWrapper":${TOPICS}}`)),
  )
  deepEqual(decodeRegisterBroker(encodeRegisterBroker(body, { compressed: true }), true), body)
  deepEqual(decodeRegisterBroker(encodeRegisterBroker(body, { compressed: true, has5xSections: true }), true), body)
})

test('topic lines of 5.x bring their attributes', () => {
  const line = Buffer.from('T 4 8 6 SINGLE_TAG {"+message.type":"NORMAL"}')
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const parts = [
    number(2),
    Buffer.from('{}'),
    number(1),
    number(line.length),
    line,
    number(2),
    Buffer.from('[]'),
    number(0),
  ]
  const body = decodeRegisterBroker(deflateSync(Buffer.concat(parts)), true)
  const config = body.topicConfigSerializeWrapper.topicConfigTable.get('T')
  deepEqual([config?.writeQueueNums, config?.attributes], [8, new Map([['+message.type', 'NORMAL']])])
})

for (const [what, body] of [
  ['no zlib stream', Buffer.from('junk')],
  ['an early end', deflateSync(Buffer.from([0, 0, 0]))],
  ['a negative length', deflateSync(Buffer.from([255, 255, 255, 255]))],
  ['a bomb', deflateSync(Buffer.alloc(65 * 1024 * 1024))],
] as const) {
  test(`a compressed registration with ${what} is refused`, () => {
    throws(() => decodeRegisterBroker(body, true), { code: 'BODY_ILLEGAL' })
  })
}

test('a heartbeat of the C++ client, with enum ordinals, is read', () => {
  const heartbeat = decodeHeartbeat(
    '{"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":1,"messageModel":0,"consumeFromWhere":4,"subscriptionDataSet":[{"topic":"T","subString":"*","subVersion":"7"}]}]}',
  )
  const [consumer] = heartbeat.consumerDataSet
  deepEqual(
    [
      consumer?.consumeType,
      consumer?.messageModel,
      consumer?.consumeFromWhere,
      consumer?.subscriptionDataSet[0]?.subVersion,
    ],
    ['CONSUME_PASSIVELY', 'BROADCASTING', 'CONSUME_FROM_FIRST_OFFSET', 7],
  )
  deepEqual(heartbeat.producerDataSet, [])
})

test('a subscription that Java wrote once and refers to again is read twice', () => {
  const heartbeat = decodeHeartbeat(
    `{"clientID":"c","consumerDataSet":[{"groupName":"g1","subscriptionDataSet":[${SUBSCRIPTION}]},{"groupName":"g2","subscriptionDataSet":[{"$ref":"$.consumerDataSet[0].subscriptionDataSet[0]"}]}]}`,
  )
  equal(heartbeat.consumerDataSet[1]?.subscriptionDataSet[0]?.topic, 'T')
})

test('members that 5.x wrote are kept when its files are written again', () => {
  const topics =
    '{"dataVersion":{"counter":1,"stateVersion":4,"timestamp":2},"topicConfigTable":{"T":{"attributes":{"a":"b"},"future":[1,{"x":null}],"topicName":"T"}}}'
  const written = encodeTopicConfigWrapper(decodeTopicConfigWrapper(topics)).toString()
  const again = JSON.parse(written) as {
    dataVersion: object
    topicConfigTable: { T: { attributes: object; future: unknown; perm: number } }
  }
  deepEqual(again.dataVersion, { counter: 1, stateVersion: 4, timestamp: 2 })
  deepEqual([again.topicConfigTable.T.attributes, again.topicConfigTable.T.perm], [{ a: 'b' }, 6])
  deepEqual(again.topicConfigTable.T.future, [1, {}])
  const group = encodeSubscriptionGroupConfig(
    decodeSubscriptionGroupConfig('{"groupName":"g","consumeTimeoutMinute":15}'),
  ).toString()
  equal((JSON.parse(group) as { consumeTimeoutMinute: number }).consumeTimeoutMinute, 15)
  const groups = decodeSubscriptionGroupWrapper('{"forbiddenTable":{"g":{"T":1}},"subscriptionGroupTable":{}}')
  equal(encodeSubscriptionGroupWrapper(groups).toString().includes('"forbiddenTable":{"g":{"T":1}}'), true)
})

test('names that JavaScript objects know are topics like others', () => {
  const text = '{"topicConfigTable":{"constructor":{"topicName":"constructor"},"__proto__":{"topicName":"__proto__"}}}'
  const { topicConfigTable } = decodeTopicConfigWrapper(text)
  deepEqual([...topicConfigTable.keys()], ['constructor', '__proto__'])
  equal(
    encodeTopicConfigWrapper({ dataVersion: { counter: 0, timestamp: 0 }, topicConfigTable }).includes('"__proto__":{'),
    true,
  )
})

test('delay offsets are keyed by level', () => {
  const text = '{"offsetTable":{3:17,12:5}}'
  const offsets = decodeDelayOffsets(text)
  equal(offsets.offsetTable.get(12), 5)
  equal(encodeDelayOffsets(offsets).toString(), text)
})

test('a data version knows its successor and its equal', () => {
  const version = { counter: 1, timestamp: 5 }
  deepEqual(nextDataVersion(version, 9), { counter: 2, timestamp: 9 })
  equal(sameDataVersion(version, { ...version, stateVersion: 3 }), true)
  equal(sameDataVersion({ ...version, stateVersion: 2 }, { ...version, stateVersion: 3 }), false)
  equal(sameDataVersion(version, { ...version, counter: 2 }), false)
})

test('one queue has one key', () => {
  equal(messageQueueKey({ topic: 'T', queueId: 1, brokerName: 'b' }), QUEUE)
})

for (const [what, text] of [
  ['no JSON', '{'],
  ['an array', '[]'],
  ['a list that is none', '{"consumerDataSet":{}}'],
  ['a list element that is none', '{"consumerDataSet":[7]}'],
  ['a number that is none', '{"consumerDataSet":[{"subscriptionDataSet":[{"subVersion":"x"}]}]}'],
] as const) {
  test(`a heartbeat with ${what} is refused`, () => {
    throws(() => decodeHeartbeat(text), { code: 'BODY_ILLEGAL' })
  })
}
