import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PeerProcess } from '../../support/peer-process.ts'

/** A program of the package's `bin`. */
export type Program = 'apogeemq' | 'mqbroker' | 'mqnamesrv' | 'mqshutdown'

/** How a program ended. */
export interface RunEnd {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly out: string
  readonly errors: string
}

const DIST_CLI = fileURLToPath(new URL('../../../dist/cli/', import.meta.url))
const READY_TIMEOUT_MS = 30_000
const READY = /^apogeemq .*ready: /

/**
 * One run of a program, with a home and a runtime directory of its own so that it neither finds nor touches anything of
 * the user who runs the tests.
 */
export class CliRun implements AsyncDisposable {
  readonly process: PeerProcess
  #out = ''
  #errors = ''

  constructor(program: Program, args: readonly string[], home: string) {
    const file = join(DIST_CLI, `${program}.js`)
    if (!existsSync(file)) throw new Error(`${file} is missing; run "npm run build" first`)
    this.process = new PeerProcess({
      name: [program, ...args].join(' '),
      file: process.execPath,
      args: [file, ...args],
      env: { HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), NAMESRV_ADDR: undefined, ROCKETMQ_HOME: undefined },
      cwd: home,
    })
    this.process.child.stdout!.on('data', (chunk) => {
      this.#out += chunk
    })
    this.process.child.stderr!.on('data', (chunk) => {
      this.#errors += chunk
    })
  }

  /** Standard error so far. */
  get errors(): string {
    return this.#errors
  }

  /** The line that says that the server can be used. */
  ready(): Promise<string> {
    return this.process.line(READY, READY_TIMEOUT_MS)
  }

  /** Waits until the program has ended by itself. */
  async end(): Promise<RunEnd> {
    const { exitCode } = await this.process.ended()
    return { exitCode, out: this.#out, errors: this.#errors }
  }

  /** Asks the program to end, and waits. */
  async endBy(signal: NodeJS.Signals): Promise<RunEnd> {
    this.process.child.kill(signal)
    return this.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process.kill()
  }
}

/** Runs a program to its end. */
export const runToEnd = async (program: Program, args: readonly string[], home: string): Promise<RunEnd> => {
  await using run = new CliRun(program, args, home)
  return await run.end()
}
