import { deepEqual, equal } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { OutgoingMessage, ReceivedMessage } from '../../support/java-client.ts'

/** Set by clients and brokers, not by the application. */
const SYSTEM_PROPERTIES = new Set([
  'CLUSTER',
  'CONSUME_START_TIME',
  'INSTANCE_ID',
  'KEYS',
  'MAX_OFFSET',
  'MIN_OFFSET',
  'MSG_REGION',
  'TAGS',
  'TRACE_ON',
  'UNIQ_KEY',
  'WAIT',
])

/** Bytes that look random and are the same for the same seed. */
export const bodyOf = (seed: string, sizeBytes: number): Buffer => {
  const blocks: Buffer[] = []
  for (let block = 0; block * 32 < sizeBytes; block++) {
    blocks.push(createHash('sha256').update(`${seed}#${block}`).digest())
  }
  return Buffer.concat(blocks).subarray(0, sizeBytes)
}

/** Messages with a key each of its own (`PREFIX-0`, ...), bodies of several sizes, tags and user properties. */
export const makeMessages = (
  prefix: string,
  count: number,
  tags: readonly string[] = ['TagA', 'TagB', 'TagC'],
): readonly OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    body: bodyOf(`${prefix}-${index}`, 1 + ((index * 37) % 700)),
    keys: `${prefix}-${index}`,
    tags: tags[index % tags.length]!,
    flag: index,
    properties: {
      colour: index % 2 === 0 ? 'blue' : 'grün ✓',
      number: String(index),
      'with-dash_and.dot': `v=${prefix}`,
    },
  }))

const applicationProperties = (message: ReceivedMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(message.properties).filter(([name]) => !SYSTEM_PROPERTIES.has(name)))

/** Fails unless body, keys, tags, flag and the application's properties are what was sent. */
export const assertSame = (sent: OutgoingMessage, received: ReceivedMessage): void => {
  equal(received.keys, sent.keys)
  equal(received.body, sent.body.toString('base64'), `body of ${sent.keys}`)
  equal(received.tags, sent.tags, `tags of ${sent.keys}`)
  equal(received.flag, sent.flag ?? 0, `flag of ${sent.keys}`)
  deepEqual(applicationProperties(received), { ...sent.properties }, `properties of ${sent.keys}`)
}

/** Fails unless every message sent was received once, unchanged, and nothing else was. Order does not matter. */
export const assertEachOnce = (sent: readonly OutgoingMessage[], received: readonly ReceivedMessage[]): void => {
  const sorted = (keys: readonly (string | undefined)[]) => keys.map(String).sort()
  deepEqual(sorted(received.map((message) => message.keys)), sorted(sent.map((message) => message.keys)))
  const byKeys = new Map(received.map((message) => [message.keys, message]))
  for (const message of sent) assertSame(message, byKeys.get(message.keys)!)
}
