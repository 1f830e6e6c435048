import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJavaJson } from '../../../support/java-json.ts'
import { withRawClient } from '../../../support/raw-client.ts'
import { plain } from '../semantics/delivery.ts'
import { eventually, type SemanticsStage } from '../semantics/stage.ts'
import type { Replica } from './replicas.ts'

const GET_ALL_TOPIC_CONFIG = 21
const GET_ALL_CONSUMER_OFFSET = 43
const GET_ALL_DELAY_OFFSET = 45
const UPDATE_AND_CREATE_SUBSCRIPTION_GROUP = 200
const GET_ALL_SUBSCRIPTION_GROUP_CONFIG = 201

type Json = Readonly<Record<string, unknown>>

/** What a slave copies: the request, the file it keeps the answer in, and what of it must be the same. */
const COPIED = [
  { code: GET_ALL_TOPIC_CONFIG, file: 'topics.json', keys: ['dataVersion', 'topicConfigTable'] },
  { code: GET_ALL_CONSUMER_OFFSET, file: 'consumerOffset.json', keys: ['offsetTable'] },
  { code: GET_ALL_DELAY_OFFSET, file: 'delayOffset.json', keys: ['offsetTable'] },
  {
    code: GET_ALL_SUBSCRIPTION_GROUP_CONFIG,
    file: 'subscriptionGroup.json',
    keys: ['dataVersion', 'subscriptionGroupTable'],
  },
]

const parts = (json: unknown, keys: readonly string[]): unknown => keys.map((key) => (json as Json)[key])

const fileOf = (slave: Replica, name: string): unknown =>
  parseJavaJson(readFileSync(join(slave.storeDir, 'config', name)))

/** The offset the slave's file has for a group; undefined for none. */
export const copiedOffset = (
  slave: Replica,
  of: { readonly topic: string; readonly group: string; readonly queueId: number },
): number | undefined => {
  const { offsetTable } = fileOf(slave, 'consumerOffset.json') as {
    offsetTable: Record<string, Record<string, number>>
  }
  return offsetTable[`${of.topic}@${of.group}`]?.[of.queueId]
}

/** Waits until the slave knows the topic. */
export const topicIsCopied = (slave: Replica, topic: string): Promise<true> =>
  eventually(`topic ${topic} at the slave`, () => {
    const { topicConfigTable } = fileOf(slave, 'topics.json') as { topicConfigTable: Json }
    return topicConfigTable[topic] !== undefined
  })

/** Changes all that a slave copies and waits until it has the changes. */
export const checkMetadata = async (stage: SemanticsStage, master: Replica, slave: Replica): Promise<void> => {
  const topic = await stage.topic('Copied', 3)
  const groupName = stage.name('copied-group')
  const group = { groupName, retryQueueNums: 2, retryMaxTimes: 7, consumeEnable: true }
  await withRawClient(master.address, (client) =>
    client.call({ code: UPDATE_AND_CREATE_SUBSCRIPTION_GROUP, body: Buffer.from(JSON.stringify(group)) }),
  )
  await stage.sends(topic, [plain('late', {}, { delayLevel: 2 }), plain('a'), plain('b')])
  const member = await stage.consumer(topic)
  await member.receives(3)
  await member.stop()
  const wanted = (answers: readonly unknown[]) => JSON.stringify(answers)
  await eventually('the master answers with all changes', async () => {
    const text = wanted(await answersOf(master))
    return [`"${topic}@${member.group}"`, `"${topic}":`, `"${groupName}"`].every((part) => text.includes(part))
  })
  await eventually('the slave has copied everything', async () => {
    const answers = await answersOf(master)
    for (const [index, { file, keys }] of COPIED.entries()) {
      deepEqual(parts(fileOf(slave, file), keys), parts(answers[index], keys), file)
    }
    return true
  })
  const [, offsets, delays] = await answersOf(master)
  ok(JSON.stringify(offsets).includes(topic))
  ok(Number((delays as { offsetTable: Record<string, number> }).offsetTable[2]) >= 1, 'the delay level has moved')
}

const answersOf = (master: Replica): Promise<readonly unknown[]> =>
  withRawClient(master.address, (client) =>
    Promise.all(COPIED.map(async ({ code }) => parseJavaJson((await client.call({ code })).body))),
  )
