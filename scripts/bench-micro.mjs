// npm run bench:micro: builds what is missing, then measures single calls of the store and the codec with benchmark.js.
import { join } from 'node:path'
import { ensureBuilt, root, run } from './setup.mjs'

ensureBuilt()
const program = join(root, 'bench', 'micro', 'run.ts')
run(process.execPath, ['--import', 'tsx', program, ...process.argv.slice(2)], { what: 'bench:micro' })
