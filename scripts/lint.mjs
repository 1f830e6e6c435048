// Every static check: format, lint and import order (Biome), types, the engine's rules, file and function lengths.
import { join } from 'node:path'
import { ensureBuilt, root, run } from './setup.mjs'

export const lint = () => {
  const bin = (name, file) => join(root, 'node_modules', name, file)
  run(process.execPath, [bin('@biomejs/biome', 'bin/biome'), 'ci', '--reporter=summary', '--max-diagnostics=50'], {
    what: 'biome',
  })
  run(process.execPath, [bin('typescript', 'bin/tsc'), '--noEmit'], { what: 'tsc' })
  run(process.execPath, [join(root, 'scripts', 'check-native.mjs')], { what: 'check-native' })
  run(process.execPath, [join(root, 'scripts', 'check-sizes.mjs')], { what: 'check-sizes' })
}

if (process.argv[1] === join(root, 'scripts', 'lint.mjs')) {
  ensureBuilt()
  lint()
}
