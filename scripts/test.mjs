// npm test: static checks, the engine's tests without Node (in CI also under sanitizers), then everything in test/.
// `npm test -- unit` leaves out the interop and crash suites, `npm test -- FILE...` runs those files only.
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { lint } from './lint.mjs'
import { ensureBuilt, fail, root, run, versionOf } from './setup.mjs'

const inCi = Boolean(process.env.CI)
const asked = process.argv.slice(2)

const testFiles = (keep) =>
  readdirSync(join(root, 'test'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .filter(keep)
    .sort()

const isSlow = (file) => /^test\/(interop|crash|bench)\//.test(file)

/** Builds and runs the GoogleTest binary; `sanitizers` is empty or a list for -fsanitize. */
const nativeTests = (sanitizers) => {
  const name = sanitizers === '' ? 'plain' : sanitizers.replace(',', '-')
  const folder = join(root, 'build', `native-${name}`)
  console.error(`apogeemq: engine tests, ${name} ...`)
  const generator = versionOf('ninja') === undefined ? [] : ['-G', 'Ninja']
  const configure = ['-S', 'native', '-B', folder, ...generator, `-DAPOGEE_SANITIZE=${sanitizers}`]
  run('cmake', [...configure, '--log-level=WARNING'], { what: 'cmake (engine tests)' })
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism())], { what: 'build of the engine tests' })
  // ThreadSanitizer needs a fixed memory layout on newer kernels.
  const binary = join(folder, 'apogee_engine_tests')
  const fixedLayout = sanitizers === 'thread' && versionOf('setarch', ['--version']) !== undefined
  const [program, ...args] = [...(fixedLayout ? ['setarch', '--addr-no-randomize'] : []), binary, '--gtest_brief=1']
  run(program, args, { what: `engine tests (${name})` })
}

const engineTests = () => {
  const missing = ['cmake', 'c++'].filter((tool) => versionOf(tool) === undefined)
  const gtest = ['/usr/include', '/usr/local/include', '/opt/homebrew/include'].some((dir) =>
    existsSync(join(dir, 'gtest')),
  )
  if (!gtest) missing.push('GoogleTest')
  if (missing.length > 0) {
    const line = `the engine's own tests were NOT RUN: this machine has no ${missing.join(', ')} (Debian: apt-get install cmake libgtest-dev)`
    if (inCi) fail(line)
    console.error(`\napogeemq: ${line}\n`)
    return
  }
  for (const sanitizers of inCi ? ['', 'address,undefined', 'thread'] : ['']) nativeTests(sanitizers)
}

const nodeTests = (files, concurrency) =>
  run(
    process.execPath,
    ['--import', 'tsx', '--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, ...files],
    { what: 'tests' },
  )

ensureBuilt()
if (asked.length > 0 && asked[0] !== 'unit') {
  nodeTests(asked, 1)
} else {
  lint()
  engineTests()
  if (asked[0] === 'unit')
    nodeTests(
      testFiles((file) => !isSlow(file)),
      availableParallelism(),
    )
  else
    nodeTests(
      testFiles(() => true),
      availableParallelism(),
    )
}
