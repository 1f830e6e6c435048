// npm run bench:recovery: builds what is missing, then measures openings of killed stores.
import { join } from 'node:path'
import { ensureBuilt, root, run } from './setup.mjs'

ensureBuilt()
const program = join(root, 'bench', 'recovery', 'run.ts')
run(process.execPath, ['--import', 'tsx', program, ...process.argv.slice(2)], { what: 'bench:recovery' })
