// npm run bench:store: builds what is missing, then compares flush modes and write paths of the engine with what else a
// Node program could use. The arguments after `--` are listed by --help and explained in docs/benchmarks.md.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, root } from './setup.mjs'

const args = process.argv.slice(2)
if (!args.includes('--help')) ensureBuilt()
const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'bench', 'store', 'run.ts'), ...args], {
  cwd: root,
  stdio: 'inherit',
})
// A Ctrl-C reaches the child by itself.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))
