// npm run bench:broker: builds what is missing, then measures our broker beside the Java broker. The arguments after
// `--` are listed by --help and explained in docs/benchmarks.md.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, root } from './setup.mjs'

const args = process.argv.slice(2)
// The help text and a run of the Java broker alone need neither the addon nor dist/.
if (!args.includes('--help') && !/--only[ =]java/.test(args.join(' '))) ensureBuilt()
const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'bench', 'broker', 'run.ts'), ...args], {
  cwd: root,
  stdio: 'inherit',
})
// A Ctrl-C reaches the child by itself: wait for it to stop its servers.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))
