import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { OutgoingMessage, ReceivedMessage } from '../../../support/java-client.ts'
import { plain } from './delivery.ts'
import type { SemanticsScenario } from './run.ts'
import { eventually } from './stage.ts'

const bodyText = (message: ReceivedMessage): string => Buffer.from(message.body, 'base64').toString()

export const requestReply: SemanticsScenario = {
  name: 'requests get their replies, waited for or by callback, and none when nobody replies',
  needs: ['requestReply'],
  async run(stage) {
    const topic = await stage.topic('Request')
    const replier = stage.settings('replier')
    await stage.driver.call('startReplier', { ...replier, instance: replier.name, topic })
    const producer = await stage.producer()
    const request = (to: string, messages: readonly OutgoingMessage[], more: { async: boolean; timeoutMs: number }) => {
      const encoded = messages.map((message) => ({ ...message, body: message.body.toString('base64') }))
      const args = { producer, topic: to, messages: encoded, ...more }
      return stage.driver.call<readonly ReceivedMessage[]>('request', args)
    }
    // In 5.3.3 the form that waits gives up when its request was sent, unless the reply is faster (a fault of the client).
    for (const async of stage.driver.version === '5.3.3' ? [true] : [false, true]) {
      const sent = ['one', 'two', 'grün'].map((keys) => plain(`${keys}-${async}`))
      const replies = await request(topic, sent, { async, timeoutMs: 30_000 })
      deepEqual(
        replies.map((reply) => [bodyText(reply), reply.properties.answers, reply.properties.MSG_TYPE]),
        sent.map(({ keys, body }) => [`reply to ${body}`, keys, 'reply']),
      )
      ok(
        replies.every(({ properties }) => properties.CORRELATION_ID !== undefined),
        'correlated',
      )
    }
    const silent = await stage.topic('Silent', 1)
    await rejects(request(silent, [plain('unheard')], { async: false, timeoutMs: 3000 }), /RequestTimeoutException/)
    const [unheard] = await stage.read(await stage.pullConsumer(), silent, 1)
    equal(unheard!.keys, 'unheard')
    await stage.driver.call('stopReplier', { replier: replier.name })
  },
}

export const messageTrace: SemanticsScenario = {
  name: 'traced producers and consumers leave their traces in RMQ_SYS_TRACE_TOPIC',
  needs: ['trace'],
  async run(stage) {
    const topic = await stage.topic('Traced', 1)
    const settings = stage.settings('traced')
    await stage.driver.createProducer({ ...settings, traced: true })
    const [sent] = await stage.driver.send(settings.name, topic, 'sync', [plain(`${topic}-key`)])
    const member = await stage.consumer(topic, { traced: true })
    await member.receives(1)
    const puller = await stage.pullConsumer()
    // The consumer of 5.3.3 traces messages with a region only, and brokers of 4.9 do not store one.
    const kinds = stage.driver.version === '5.3.3' ? ['Pub'] : ['Pub', 'SubBefore', 'SubAfter']
    const lines = await eventually('the traces', async () => {
      const messages = await stage.read(puller, 'RMQ_SYS_TRACE_TOPIC', 1)
      const all = messages.flatMap((message) =>
        bodyText(message)
          .split('\u0002')
          .map((line) => ({ keys: message.keys!.split(' '), fields: line.split('\u0001') })),
      )
      const own = all.filter(({ fields }) => fields.includes(sent!.msgId))
      return kinds.every((kind) => own.some(({ fields }) => fields[0] === kind)) && own
    })
    const [published] = lines.filter(({ fields }) => fields[0] === 'Pub')
    const { fields } = published!
    deepEqual(
      [fields[2], fields[3], fields[4], fields[5], fields[7]],
      ['DefaultRegion', settings.group, topic, sent!.msgId, `${topic}-key`],
    )
    ok(fields.includes(sent!.offsetMsgId), 'with the offset id')
    for (const { keys } of lines) ok(keys.includes(sent!.msgId), 'a trace is found by the id of its message')
    const found = await eventually('the trace by its key', async () => {
      const within = { beginTimestampMs: 0, endTimestampMs: Date.now() + 60_000 }
      const messages = await stage.driver.queryByKey(puller, 'RMQ_SYS_TRACE_TOPIC', sent!.msgId, within)
      return messages.length >= 1 && messages
    })
    ok(
      found.every((message) => bodyText(message).includes(sent!.msgId)),
      'all of them are about the message',
    )
    await member.stop()
  },
}
