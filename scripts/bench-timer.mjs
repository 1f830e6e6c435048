// npm run bench:timer: builds what is missing, then measures messages with a delivery time of their own.
import { join } from 'node:path'
import { ensureBuilt, root, run } from './setup.mjs'

ensureBuilt()
const program = join(root, 'bench', 'timer', 'run.ts')
run(process.execPath, ['--import', 'tsx', program, ...process.argv.slice(2)], { what: 'bench:timer' })
