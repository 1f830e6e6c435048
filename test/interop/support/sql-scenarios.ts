import { equal, rejects } from 'node:assert/strict'
import type { OutgoingMessage, ReceivedMessage } from '../../support/java-client.ts'
import { createTopic } from '../../support/raw-topics.ts'
import { waitFor } from '../../support/wait-for.ts'
import { assertEachOnce, makeMessages } from './messages.ts'
import type { Scenario, Stage } from './scenario.ts'

const QUEUES = 4
const EXPRESSION = "number BETWEEN 10 AND 50 AND colour = 'blue' AND (TAGS IN ('TagA', 'TagB') OR missing IS NOT NULL)"

const holds = ({ tags, properties }: OutgoingMessage): boolean => {
  const number = Number(properties?.number)
  return number >= 10 && number <= 50 && properties?.colour === 'blue' && tags !== 'TagC'
}

const collected = (stage: Stage, consumer: string): Promise<readonly ReceivedMessage[]> =>
  stage.driver.call('sqlCollected', { consumer })

/** Starts a push consumer; `settings.name` is its name. */
const start = (stage: Stage, settings: ReturnType<Stage['settings']>, topic: string, expression: string) =>
  stage.driver.call('startSqlConsumer', { instance: settings.name, vipChannel: false, ...settings, topic, expression })

const sqlPush: Scenario = {
  name: 'a push consumer by SQL receives what its condition holds for, sent before and after it started',
  async run(stage) {
    const topic = stage.name('SqlPush')
    await createTopic(stage.pair, topic, QUEUES)
    const producer = await stage.producer()
    const before = makeMessages(`${topic}-before`, 80)
    await stage.driver.send(producer, topic, 'async', before)
    const settings = stage.settings('sql')
    await start(stage, settings, topic, EXPRESSION)
    const expected = before.filter(holds)
    await waitFor('the messages sent before', async () => {
      return (await collected(stage, settings.name)).length >= expected.length
    })
    const later = makeMessages(`${topic}-later`, 80)
    await stage.driver.send(producer, topic, 'sync', later)
    const all = [...expected, ...later.filter(holds)]
    await waitFor('the messages sent later', async () => {
      return (await collected(stage, settings.name)).length >= all.length
    })
    assertEachOnce(all, await collected(stage, settings.name))
    await stage.driver.call('stopSqlConsumer', { consumer: settings.name })
  },
}

const sqlPull: Scenario = {
  name: 'a pull consumer by SQL finds a few among thousands, and none where none is',
  async run(stage) {
    const topic = stage.name('SqlPull')
    await createTopic(stage.pair, topic, 1)
    const producer = await stage.producer()
    const sent = makeMessages(topic, 2000)
    await stage.driver.send(producer, topic, 'async', sent)
    const puller = await stage.pullConsumer()
    await stage.read(puller, topic, sent.length)
    const drain = (expression: string): Promise<readonly ReceivedMessage[]> => {
      const settings = stage.settings('drain')
      return stage.driver.call('sqlDrain', {
        instance: settings.name,
        vipChannel: false,
        ...settings,
        topic,
        expression,
      })
    }
    const found = await drain("number IN ('3', '1700', '1999') OR number > 1990")
    assertEachOnce(
      sent.filter(({ properties }) => ['3', '1700'].includes(properties!.number!) || Number(properties!.number) > 1990),
      found,
    )
    equal((await drain("colour = 'red'")).length, 0)
    equal((await drain('colour > 1')).length, 0)
  },
}

const sqlRefused: Scenario = {
  name: 'a consumer whose condition does not compile does not start',
  async run(stage) {
    const topic = stage.name('SqlRefused')
    await createTopic(stage.pair, topic, QUEUES)
    for (const expression of ["colour > 'blue'", 'number BETWEEN 5 AND 1', 'number >']) {
      await rejects(start(stage, stage.settings('refused'), topic, expression), /CODE: 23 /)
    }
  },
}

/** What consumers by SQL92 may count on where `enablePropertyFilter` is on. */
export const sqlScenarios: readonly Scenario[] = [sqlPush, sqlPull, sqlRefused]
