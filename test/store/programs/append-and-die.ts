// Appends 'flushed' and waits for the device, then 'appended' and waits for what the write path promises, then kills its
// own process. Run by log-store-durability.test.ts.
import { openStore } from '../../../lib/store/index.ts'
import { smallFiles, ways } from '../support/log-fixture.ts'

const [directory, way] = process.argv.slice(2)
const store = await openStore({ directory: directory!, ...smallFiles, ...ways[way!] })
await store.append({ body: 'flushed' }, { durability: 'flushed' })
await store.append({ body: 'appended' }, { durability: 'appended' })
process.kill(process.pid, 'SIGKILL')
