// Brings a checkout to the point where it runs: packages, addon, dist/. Uses Node's built-in modules only, because it
// runs before anything is installed. Each step is skipped while a stamp says that its inputs are unchanged.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Ends the process with one clear line. */
export const fail = (line) => {
  console.error(`apogeemq: ${line}`)
  process.exit(1)
}

/** Runs a program without a shell, output shown; ends the process when it fails. */
export const run = (program, args, options = {}) => {
  const { what = program, ...rest } = options
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...rest })
  if (done.error) fail(`${what} could not be started: ${done.error.message}`)
  if (done.signal) fail(`${what} was ended by ${done.signal}`)
  if (done.status !== 0) fail(`${what} failed (exit code ${done.status})`)
}

/** Version text of a program, or undefined when the machine does not have it. */
export const versionOf = (program, args = ['--version']) => {
  const done = spawnSync(program, args, { encoding: 'utf8' })
  return done.error || done.status !== 0 ? undefined : done.stdout.trim()
}

const filesUnder = (folder, keep) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && keep(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort()

const digestOf = (files, extra) => {
  const hash = createHash('sha256').update(extra)
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const unlessFresh = (stampFile, digest, product, step) => {
  const stamp = join(root, stampFile)
  if (existsSync(join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  rmSync(stamp, { force: true })
  step()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
}

const nodeIsNewEnough = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 17)
}

const ensurePackages = () => {
  const inputs = ['package.json', 'package-lock.json']
  unlessFresh('node_modules/.apogeemq-stamp', digestOf(inputs, process.version), 'node_modules', () => {
    console.error('apogeemq: installing packages ...')
    const npm = process.env.npm_execpath
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    if (npm !== undefined && /\.c?js$/.test(npm)) run(process.execPath, [npm, ...args], { what: 'npm ci' })
    else run('npm', args, { what: 'npm ci' })
  })
}

/** What building the addon needs and this machine lacks. */
export const missingTools = () => {
  const missing = []
  const compiler = process.env.CXX ?? 'c++'
  const major = Number.parseInt(versionOf(compiler, ['-dumpversion']) ?? '', 10)
  if (Number.isNaN(major)) missing.push(`a C++20 compiler (${compiler} not found; Debian: apt-get install g++)`)
  if (versionOf('make') === undefined) missing.push('make (Debian: apt-get install make)')
  if (versionOf('python3') === undefined && versionOf('python') === undefined) {
    missing.push('Python 3 (Debian: apt-get install python3)')
  }
  return missing
}

/** Node's headers beside the running executable, so that no header download is needed. */
const bundledNodeDir = () => {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined
}

/** Builds the addon when it is missing or stale. */
export const ensureAddon = () => {
  const sources = filesUnder('native', (name) => /\.(cc|h)$/.test(name)).filter(
    (file) => !file.startsWith('native/test'),
  )
  const digest = digestOf(['binding.gyp', ...sources], `${process.platform} ${process.arch} ${process.env.CXX ?? ''}`)
  unlessFresh('build/.apogeemq-stamp', digest, 'build/Release/apogee_store.node', () => {
    const missing = missingTools()
    if (missing.length > 0) fail(`building the storage engine needs ${missing.join('; ')}`)
    console.error('apogeemq: compiling the storage engine (about a minute) ...')
    const nodeDir = bundledNodeDir()
    const gyp = createRequire(join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js')
    const args = ['rebuild', '--loglevel=warn', '-j', 'max', ...(nodeDir === undefined ? [] : [`--nodedir=${nodeDir}`])]
    run(process.execPath, [gyp, ...args], { what: 'node-gyp', env: { ...process.env, MAKEFLAGS: '--silent' } })
  })
}

const ensureDist = () => {
  const sources = filesUnder('lib', (name) => name.endsWith('.ts'))
  const digest = digestOf(['tsconfig.json', 'tsconfig.build.json', 'package.json', 'scripts/setup.mjs', ...sources], '')
  unlessFresh('dist/.apogeemq-stamp', digest, 'dist', () => {
    console.error('apogeemq: compiling TypeScript ...')
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { what: 'tsc' })
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755)
  })
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}

/** One set-up at a time in one checkout: the second waits for the first and then finds everything built. */
const withLock = (step) => {
  const lock = join(root, '.setup-lock')
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let told = false; ; told = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0
    if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true })
    else if (!told) console.error(`apogeemq: waiting for another set-up of this checkout (process ${holder}) ...`)
    Atomics.wait(pause, 0, 0, 200)
  }
  const release = () => rmSync(lock, { force: true })
  process.on('exit', release)
  step()
  process.off('exit', release)
  release()
}

/** A clone of the repository; an installed package has its dependencies and dist/ and may lack the addon only. */
export const isCheckout = () => existsSync(join(root, 'lib'))

/** Installs and builds what is missing or stale. */
export const ensureBuilt = () => {
  if (!nodeIsNewEnough()) fail(`needs Node.js 20.17 or later; this is ${process.version}`)
  withLock(() => {
    if (isCheckout()) ensurePackages()
    ensureAddon()
    if (isCheckout()) ensureDist()
  })
}
