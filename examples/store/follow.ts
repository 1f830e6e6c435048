// One loop appends, another follows. Run: npx tsx examples/store/follow.ts [DIR]
import { openStore } from 'apogeemq/store'

await using store = await openStore({ directory: process.argv[2] ?? './data/follow' })
const enough = new AbortController()

const following = (async () => {
  let count = 0
  for await (const { body } of store.tail({ tags: 'even', signal: enough.signal })) {
    console.log(`got ${body}`)
    if (++count === 3) enough.abort()
  }
})()

for (let number = 0; number < 6; number++) {
  await store.append({ body: `number ${number}`, tag: number % 2 === 0 ? 'even' : 'odd' })
}
await following
console.log('done')
