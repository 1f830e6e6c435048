import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { waitFor } from './wait-for.ts'

/** Versions of the real name server, broker and mqadmin. */
export type ServerVersion = '4.9.7' | '5.3.3'
/** Versions of the real Java client; 4.9.7 comes with the tools' admin API. */
export type ClientVersion = '4.9.7' | '4.9.8' | '5.3.3'

export type JavaAvailability = { readonly available: true } | { readonly available: false; readonly reason: string }

const JAVA_FOLDER = fileURLToPath(new URL('../interop/java/', import.meta.url))
/** A first resolution downloads some 60 MB. */
const BUILD_TIMEOUT_MS = 600_000
const run = promisify(execFile)

let known: { availability: JavaAvailability; javaMajor: number } | undefined

const look = (): { availability: JavaAvailability; javaMajor: number } => {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  if (java.status !== 0) return { availability: { available: false, reason: 'no java on the PATH' }, javaMajor: 0 }
  const version = /version "(?:1\.)?(\d+)/.exec(java.stderr)?.[1]
  const javaMajor = Number(version ?? 0)
  if (javaMajor < 8) {
    return { availability: { available: false, reason: `Java 8 or newer is needed, found ${version}` }, javaMajor }
  }
  const javac = spawnSync('javac', ['-version'], { encoding: 'utf8' })
  if (javac.status !== 0) {
    return {
      availability: { available: false, reason: 'no javac on the PATH (a JDK is needed, not a JRE)' },
      javaMajor,
    }
  }
  const maven = spawnSync('mvn', ['-v'], { encoding: 'utf8' })
  if (maven.status !== 0) {
    return { availability: { available: false, reason: 'no mvn (Maven) on the PATH' }, javaMajor }
  }
  return { availability: { available: true }, javaMajor }
}

const facts = () => {
  known ??= look()
  return known
}

/** Whether a JDK and Maven are on the PATH. Looks once per process. */
export const javaAvailability = (): JavaAvailability => facts().availability

/** JVM options that Java 9 and newer need to run servers written for Java 8. */
export const openPackages = (): readonly string[] =>
  facts().javaMajor < 9
    ? []
    : ['java.nio', 'sun.nio.ch', 'jdk.internal.ref', 'java.lang'].map(
        (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
      )

const newestSourceMs = (folder: string): number => {
  let newest = statSync(join(folder, 'pom.xml')).mtimeMs
  const sources = join(folder, 'src')
  if (!existsSync(sources)) return newest
  for (const entry of readdirSync(sources, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs)
  }
  return newest
}

/** The class path of a build that is newer than its sources and whose jars are all still there. */
const freshClassPath = (folder: string, target: string): string | undefined => {
  const stamp = join(target, 'built')
  if (!existsSync(stamp) || statSync(stamp).mtimeMs < newestSourceMs(folder)) return undefined
  const jars = readFileSync(join(target, 'classpath.txt'), 'utf8').trim()
  return jars.split(':').every((jar) => existsSync(jar)) ? jars : undefined
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Runs `work` while no other process does so for the same folder. A lock whose owner is gone is taken over. */
const withLock = async <T>(lock: string, work: () => Promise<T>): Promise<T> => {
  const owner = join(lock, 'pid')
  const take = (): boolean => {
    try {
      mkdirSync(lock)
      writeFileSync(owner, String(process.pid))
      return true
    } catch {
      if (existsSync(owner) && !isAlive(Number(readFileSync(owner, 'utf8'))))
        rmSync(lock, { recursive: true, force: true })
      return false
    }
  }
  await waitFor(`another process that holds ${lock}`, take, { timeoutMs: BUILD_TIMEOUT_MS, everyMs: 200 })
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

const build = async (folder: string, version: string, target: string): Promise<void> => {
  const args = ['-q', '-B', '-f', join(folder, 'pom.xml'), `-Drocketmq.version=${version}`, 'compile']
  const options = { timeout: BUILD_TIMEOUT_MS, maxBuffer: 16 << 20 }
  try {
    await run('mvn', ['-o', ...args], options)
  } catch {
    process.stderr.write(`resolving the Java parts, version ${version}, with Maven (only the first time)\n`)
    await run('mvn', args, options)
  }
  writeFileSync(join(target, 'built'), '')
}

/**
 * The class path of `client`, `filter` or `servers` at one version, built or resolved first when it is missing or stale.
 * Needs the network only when Maven's local repository lacks something.
 */
export const classPath = async (project: 'client' | 'filter' | 'servers', version: string): Promise<string> => {
  const folder = join(JAVA_FOLDER, project)
  const target = join(folder, 'target', version)
  const withClasses = (jars: string) => (project !== 'servers' ? `${join(target, 'classes')}:${jars}` : jars)
  const fresh = freshClassPath(folder, target)
  if (fresh !== undefined) return withClasses(fresh)
  mkdirSync(target, { recursive: true })
  const jars = await withLock(`${target}.lock`, async () => {
    if (freshClassPath(folder, target) === undefined) await build(folder, version, target)
    return freshClassPath(folder, target)
  })
  if (jars === undefined) throw new Error(`Maven left no class path in ${target}`)
  return withClasses(jars)
}
