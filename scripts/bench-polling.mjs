// npm run bench:polling: builds what is missing, then measures held pulls.
import { join } from 'node:path'
import { ensureBuilt, root, run } from './setup.mjs'

ensureBuilt()
const program = join(root, 'bench', 'polling', 'run.ts')
// Its garbage is not what is measured.
run(
  process.execPath,
  ['--max-semi-space-size=64', '--min-semi-space-size=64', '--import', 'tsx', program, ...process.argv.slice(2)],
  {
    what: 'bench:polling',
  },
)
