import { deepEqual, ok, rejects } from 'node:assert/strict'
import { keysOf, plain, sorted } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually } from './stage.ts'

export const tagForms: SemanticsScenario = {
  name: 'tag expressions in every form, for pull and for push',
  needs: ['tags'],
  async run(stage) {
    const topic = await stage.topic('TagForms')
    // "Aa" and "BB" have one hash code in Java, and so have "AaAa" and "BBBB".
    const tags = ['TagA', 'TagB', 'Aa', 'BB', 'AaAa', 'BBBB', 'grün', undefined]
    const sent = tags.map((tag) => plain(`key-${tag}`, {}, tag === undefined ? {} : { tags: tag }))
    await stage.sends(topic, sent)
    const all = tags.map((tag) => `key-${tag}`)
    const forms: Readonly<Record<string, readonly string[]>> = {
      '*': all,
      '': all,
      TagA: ['key-TagA'],
      'TagA||TagB': ['key-TagA', 'key-TagB'],
      '  TagA  ||   TagB ': ['key-TagA', 'key-TagB'],
      'TagA || NoSuchTag || TagA': ['key-TagA'],
      BB: ['key-BB'],
      'Aa || BBBB': ['key-Aa', 'key-BBBB'],
      grün: ['key-grün'],
      taga: [],
    }
    const puller = await stage.pullConsumer()
    for (const [expression, keys] of Object.entries(forms)) {
      deepEqual(sorted(keysOf(await stage.read(puller, topic, keys.length, expression))), sorted(keys), expression)
    }
    const pushed = ['', '  TagA  ||   TagB ', 'BB']
    const members = await Promise.all(pushed.map((expression) => stage.consumer(topic, { expression })))
    for (const [index, expression] of pushed.entries()) {
      const keys = forms[expression]!
      deepEqual(sorted(keysOf(await members[index]!.receives(keys.length))), sorted(keys), expression)
      await members[index]!.stop()
    }
  },
}

export const changedSubscription: SemanticsScenario = {
  name: 'a consumer that runs changes its tags, and takes a second topic and gives it up',
  needs: ['tags'],
  async run(stage) {
    const [topic, other] = [await stage.topic('TagChange', 1), await stage.topic('TagOther', 1)]
    const producer = await stage.producer()
    const send = (to: string, keys: string, tags: string) =>
      stage.driver.send(producer, to, 'sync', [plain(keys, {}, { tags })])
    const member = await stage.consumer(topic, { expression: 'TagA' })
    await send(topic, 'first-a', 'TagA')
    await member.receives(1)
    await stage.driver.call('subscribe', { consumer: member.name, topic, expression: 'TagB' })
    await stage.driver.call('subscribe', { consumer: member.name, topic: other, expression: '*' })
    await eventually('the second topic', async () => {
      return (await stage.driver.assigned(member.name, other)).length === 1
    })
    const collected = async () => keysOf(await member.collected())
    // A pull that waits at the broker belongs to the old tags, and the client drops what it brings of the new ones.
    await eventually(
      'a message of the new tags',
      async () => {
        await send(topic, 'second-a', 'TagA')
        await send(topic, 'second-b', 'TagB')
        return (await collected()).includes('second-b')
      },
      { everyMs: 500 },
    )
    await send(other, 'other', 'TagC')
    await eventually('the second topic', async () => (await collected()).includes('other'))
    await stage.driver.call('unsubscribe', { consumer: member.name, topic: other })
    await eventually('no second topic', async () => {
      return (await stage.driver.assigned(member.name, other)).length === 0
    })
    await send(other, 'unread', 'TagC')
    await send(topic, 'third-a', 'TagA')
    await send(topic, 'third-b', 'TagB')
    await eventually('the last message', async () => (await collected()).includes('third-b'))
    ok(!(await collected()).includes('third-a'), 'no longer subscribed by tag')
    ok(!(await collected()).includes('unread'), 'no longer subscribed')
    await member.stop()
  },
}

export const sqlForms: SemanticsScenario = {
  name: 'SQL92 expressions over properties and tags',
  needs: ['sqlFilter'],
  async run(stage) {
    const topic = await stage.topic('Sql')
    const sent = Array.from({ length: 12 }, (_, index) =>
      plain(
        `key-${index}`,
        { a: String(index), ...(index % 3 === 0 ? { region: 'eu' } : {}), flag: String(index % 2 === 0) },
        { tags: index < 6 ? 'TagA' : 'TagB' },
      ),
    )
    await stage.sends(topic, sent)
    const forms: Readonly<Record<string, (index: number) => boolean>> = {
      'a > 5': (index) => index > 5,
      'a BETWEEN 3 AND 7': (index) => index >= 3 && index <= 7,
      "region = 'eu' AND a <> 0": (index) => index % 3 === 0 && index !== 0,
      'region IS NULL OR a = 9': (index) => index % 3 !== 0 || index === 9,
      "TAGS IN ('TagB', 'TagC') AND NOT (a >= 10)": (index) => index >= 6 && index < 10,
      'flag = TRUE': (index) => index % 2 === 0,
      'a NOT BETWEEN 2 AND 10.5': (index) => index < 2 || index > 10,
    }
    const members = await Promise.all(
      Object.keys(forms).map((sql) => stage.consumer(topic, { subscriptions: [{ topic, sql }] })),
    )
    for (const [index, [sql, takes]] of Object.entries(forms).entries()) {
      const wanted = sent.filter((_, number) => takes(number)).map(({ keys }) => keys!)
      deepEqual(sorted(keysOf(await members[index]!.receives(wanted.length))), sorted(wanted), sql)
      await members[index]!.stop()
    }
    const wrong = { subscriptions: [{ topic, sql: 'a >' }] }
    await rejects(stage.consumer(topic, wrong), /CODE: 23\b/)
  },
}
