import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './support/store-fixture.ts'

const packageRoot = fileURLToPath(new URL('../../', import.meta.url))
const tsx = import.meta.resolve('tsx')

/** Runs a TypeScript program with `apogeemq` as a user has it: built, below node_modules. */
const run = async (file: string, args: readonly string[], cwd: string): Promise<string> => {
  const child = spawn(process.execPath, ['--import', tsx, file, ...args], { cwd, timeout: 60_000 })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const [code] = await once(child, 'close')
  equal(code, 0, texts.stderr)
  return texts.stdout
}

const project = async (directory: string): Promise<void> => {
  await mkdir(join(directory, 'node_modules'))
  await symlink(packageRoot, join(directory, 'node_modules', 'apogeemq'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
}

/** The programs of a page, each with the output that stands below it. */
const programsOf = (page: string): { line: number; program: string; output: string }[] =>
  [...page.matchAll(/^```ts\n(.*?)^```\n(?:\s*^```text\n(.*?)^```\n)?/gms)].map((found) => ({
    line: page.slice(0, found.index).split('\n').length,
    program: found[1]!,
    output: found[2] ?? '',
  }))

const programs = programsOf(readFileSync(join(packageRoot, 'docs/store.md'), 'utf8'))

for (const { line, program, output } of programs) {
  test(`the program at line ${line} of docs/store.md prints what the page says`, async (t) => {
    const directory = await temporaryDirectory(t)
    await project(directory)
    await writeFile(join(directory, 'program.ts'), program)
    ok(output !== '', 'every program of the page shows its output')
    equal(await run('program.ts', [], directory), output)
  })
}

const examples: Record<string, { readonly args?: readonly string[]; readonly output: string }> = {
  'event-log.ts': {
    output: 'on the device: order 17 at 0\npaid in the north: {"order":17,"state":"paid"}\n',
  },
  'follow.ts': { output: 'got number 0\ngot number 2\ngot number 4\ndone\n' },
  'many-appends.ts': { args: ['10000'], output: 'everything is on the device: true\n' },
  'retention.ts': {
    output: [
      'limits: { timeMs: 86400000, bytes: 100000000 }',
      'deleted files: 3 the log begins at 3145728',
      'readings left: 160 deleted bytes: 3145728',
      'topics: notes',
      '',
    ].join('\n'),
  },
  'writer-thread.mjs': { output: 'on the device: 0, 1, 2\none\ntwo\nthree\n' },
  'workers.mjs': {
    output: ['red', 'green', 'blue'].map((name) => `${name}: ${name} 1, ${name} 2, ${name} 3\n`).join(''),
  },
}

test('every example has a test', () => {
  deepEqual(readdirSync(join(packageRoot, 'examples/store')).sort(), Object.keys(examples).sort())
  ok(programs.length >= 5)
})

for (const [name, { args = [], output }] of Object.entries(examples)) {
  test(`examples/store/${name} runs`, async (t) => {
    const directory = join(await temporaryDirectory(t), 'store')
    equal(await run(join(packageRoot, 'examples/store', name), [directory, ...args], packageRoot), output)
  })
}
