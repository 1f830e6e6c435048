import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Home } from './support/home.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DIST = join(ROOT, 'dist')

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const entries = Object.entries(manifest.exports)
const specifierOf = (name: string): string => `apogeemq${name.slice(1)}`

const run = (program: string, args: readonly string[], cwd: string) => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  return { exitCode: status, out: stdout, errors: stderr }
}

/** Runs npm in the checkout: npm's own script where npm runs the tests, else the npm of the path. */
const npm = (args: readonly string[]) => {
  const script = process.env.npm_execpath
  if (script !== undefined && /\.c?js$/.test(script)) return run(process.execPath, [script, ...args], ROOT)
  return run('npm', args, ROOT)
}

/** Runs a module's text in a folder, from where imports are resolved. */
const runModule = (text: string, folder: string) => {
  writeFileSync(join(folder, 'main.mjs'), text)
  return run(process.execPath, ['main.mjs'], folder)
}

/** The package as on a machine without a compiler: everything but the addon. */
const withoutAddon = (home: Home): string => {
  const folder = home.at('package')
  mkdirSync(folder)
  cpSync(DIST, join(folder, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** A project that has the package as its dependency. */
const dependent = (home: Home): string => {
  const folder = home.at('project')
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules', 'apogeemq'))
  symlinkSync(join(ROOT, 'node_modules', '@types'), join(folder, 'node_modules', '@types'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  return folder
}

test('every export names a module and its types, both there and within the package', () => {
  deepEqual(Object.keys(manifest.exports), ['.', './store', './broker', './namesrv'])
  for (const [name, { types, default: file }] of entries) {
    for (const path of [types, file]) ok(statSync(join(ROOT, path)).isFile(), `${name}: ${path}`)
    ok(join(ROOT, file).startsWith(DIST), name)
    equal(types, file.replace(/\.js$/, '.d.ts'))
  }
})

test('a dependent can import every export, and nothing else of the package', () => {
  using home = new Home()
  const names = entries.map(([name]) => specifierOf(name))
  const text = `
    const found = {}
    for (const name of ${JSON.stringify(names)}) found[name] = Object.keys(await import(name)).sort()
    const inside = await import('apogeemq/dist/broker/broker.js').catch((error) => error.code)
    console.log(JSON.stringify({ found, inside }))`
  const { exitCode, out, errors } = runModule(text, dependent(home))
  deepEqual([exitCode, errors], [0, ''])
  const { found, inside } = JSON.parse(out) as { found: Record<string, string[]>; inside: string }
  equal(inside, 'ERR_PACKAGE_PATH_NOT_EXPORTED')
  for (const [name, wanted] of [
    ['apogeemq', ['Producer', 'PushConsumer']],
    ['apogeemq/store', ['AppendBatch', 'StoreError', 'openMessageStore', 'openStore']],
    ['apogeemq/broker', ['parseBrokerConfig', 'startBroker']],
    ['apogeemq/namesrv', ['parseNamesrvConfig', 'startNameServer']],
  ] as const) {
    for (const symbol of wanted) ok(found[name]!.includes(symbol), `${symbol} in ${name}`)
  }
})

test('the types of every export hold in a strict project that checks libraries too', () => {
  using home = new Home()
  const folder = dependent(home)
  writeFileSync(
    join(folder, 'main.ts'),
    `import { Producer, type SendResult } from 'apogeemq'
     import { startBroker, parseBrokerConfig } from 'apogeemq/broker'
     import { startNameServer, parseNamesrvConfig } from 'apogeemq/namesrv'
     import { openStore, type Appended, type LogMessage, type LogStore, type Position } from 'apogeemq/store'
     const producer: Producer = new Producer({ group: 'g', nameServers: ['127.0.0.1:9876'] })
     export const sent: Promise<SendResult> = producer.send({ topic: 'T', body: Buffer.from('x') })
     export const id: Promise<string> = sent.then((result) => result.messageId)
     export const all: [typeof startBroker, typeof startNameServer, typeof openStore] = [startBroker, startNameServer, openStore]
     export const parsed = [parseBrokerConfig(new Map()).unknown, parseNamesrvConfig(new Map()).unknown] satisfies (readonly string[])[]
     export const useStore = async (): Promise<string> => {
       await using store: LogStore = await openStore({ directory: 'd', flush: 'sync', topic: undefined })
       const one: Position = await store.append({ body: 'x', keys: ['k'] }, { durability: 'appended' })
       const several: Appended = await store.append([{ body: Buffer.from('x') }, { body: new Uint8Array(1) }])
       const now: Appended = store.appendNow([{ body: 'x', properties: { a: 'b' } }])
       await now.durable
       const tailed: AsyncIterable<LogMessage> = store.tail({ signal: new AbortController().signal })
       for await (const { body } of store.scan({ tags: 't' })) return body.toString()
       using lease = store.lease(one.physicalOffset)
       // @ts-expect-error a position is read only
       one.queueOffset = 1
       // @ts-expect-error a message has a body
       await store.append({ topic: 'T' })
       // @ts-expect-error there are two durabilities
       await store.append({ body: 'x' }, { durability: 'saved' })
       // @ts-expect-error a directory is needed
       await openStore({ flush: 'sync' })
       return [several.length, several.at(0)?.sizeBytes, tailed, lease?.bytes].join()
     }
     // @ts-expect-error a topic is a text
     producer.send({ topic: 1, body: Buffer.from('x') })
    `,
  )
  const compilerOptions = {
    ...{ target: 'es2023', lib: ['es2023', 'esnext.disposable'], module: 'nodenext', types: ['node'] },
    ...{ strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  const { exitCode, out } = run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], folder)
  deepEqual([exitCode, out], [0, ''])
})

test('the client, the name server and the broker can be imported without the addon; opening a store says what is missing', () => {
  using home = new Home()
  const folder = withoutAddon(home)
  equal(existsSync(join(folder, 'build')), false)
  const text = `
    for (const name of ${JSON.stringify(entries.map(([name]) => specifierOf(name)))}) await import(name)
    const { openStore } = await import('apogeemq/store')
    const error = await openStore({ directory: ${JSON.stringify(home.at('store'))} }).catch((failure) => failure)
    console.log(error.code, error.message)`
  const { exitCode, out, errors } = runModule(text, folder)
  deepEqual([exitCode, errors], [0, ''])
  match(out, /^STORE_ADDON_MISSING the store addon is not built \(no .*apogee_store\.node\): run `npm run build`/)
})

test('the addon is loaded by the first store that is opened, and by no import', () => {
  using home = new Home()
  const text = `
    const addons = () => process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node')).length
    for (const name of ${JSON.stringify(entries.map(([name]) => specifierOf(name)))}) await import(name)
    const before = addons()
    const { openStore } = await import('apogeemq/store')
    const store = await openStore({ directory: ${JSON.stringify(home.at('store'))} })
    await store.close()
    console.log(before, addons())`
  deepEqual(runModule(text, dependent(home)), { exitCode: 0, out: '0 1\n', errors: '' })
})

test('every bin file begins with a line that names node, and runs', () => {
  using home = new Home()
  deepEqual(Object.keys(manifest.bin), ['apogeemq', 'mqnamesrv', 'mqbroker', 'mqshutdown'])
  for (const [name, path] of Object.entries(manifest.bin)) {
    const file = join(ROOT, path)
    match(readFileSync(file, 'utf8'), /^#!\/usr\/bin\/env node\n/, name)
    ok((statSync(file).mode & 0o111) === 0o111, `${name} is executable`)
    if (name === 'mqshutdown') continue
    const { exitCode, out, errors } = run(process.execPath, [file, '--help'], home.path)
    deepEqual([exitCode, errors], [0, ''], name)
    match(out, new RegExp(`^Usage: ${name} `), name)
  }
  equal(
    run(process.execPath, [join(ROOT, manifest.bin.apogeemq!), '--version'], home.path).out,
    `${manifest.version}\n`,
  )
})

test('npx runs the command line of a checkout and builds nothing again', () => {
  using home = new Home()
  const addon = join(ROOT, 'build/Release/apogee_store.node')
  const before = statSync(addon).mtimeMs
  const { exitCode, out } = npm([
    'exec',
    '--offline',
    '--yes',
    `--cache=${home.at('cache')}`,
    'apogeemq',
    '--',
    '--version',
  ])
  deepEqual([exitCode, out], [0, `${manifest.version}\n`])
  equal(statSync(addon).mtimeMs, before)
})

test('the packed package holds what it needs to run and to be built, and no tests of TypeScript', () => {
  const { exitCode, out } = npm(['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'])
  equal(exitCode, 0)
  const [packed] = JSON.parse(out) as { files: { path: string }[] }[]
  const files = new Set(packed!.files.map(({ path }) => path))
  const targets = [...entries.flatMap(([, { types, default: file }]) => [types, file]), ...Object.values(manifest.bin)]
  for (const file of [
    ...targets,
    'binding.gyp',
    'native/addon/addon.cc',
    'scripts/build.mjs',
    'LICENSE',
    'README.md',
  ]) {
    ok(files.has(file.replace(/^\.\//, '')), file)
  }
  for (const file of files) ok(!/^(test|bench|lib|build|node_modules)\//.test(file), file)
})
