// A log of events with keys: append, look one up, go on after a restart. Run: npx tsx examples/store/event-log.ts [DIR]
import { openStore } from 'apogeemq/store'

const directory = process.argv[2] ?? './data/event-log'

{
  await using store = await openStore({ directory, flush: 'sync', topic: 'orders' })
  const { queueOffset } = await store.append({
    body: JSON.stringify({ order: 17, state: 'paid' }),
    tag: 'paid',
    keys: 'order-17',
    properties: { region: 'north' },
  })
  console.log(`on the device: order 17 at ${queueOffset}`)
}

await using store = await openStore({ directory, topic: 'orders' })
for (const { body, tag, properties } of await store.queryByKey('order-17')) {
  console.log(`${tag} in the ${properties.region}: ${body}`)
}
