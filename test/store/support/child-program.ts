import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const packageRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<ProgramEnd>
  /** Resolves when a line with the text was printed; rejects when the program ends before. */
  printed(text: string): Promise<void>
}

/** Runs a TypeScript file of test/store/programs in a process of its own; killed at the end of the test or after 30 s. */
export const runProgram = (t: TestContext, name: string, args: readonly string[]): Program => {
  const file = fileURLToPath(new URL(`../programs/${name}`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: packageRoot,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  t.after(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as ProgramEnd)
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => stdout.includes(text) && resolve()
      child.stdout.on('data', look)
      look()
      ended.then((end) => reject(new Error(`ended before it printed ${text}: ${JSON.stringify(end)}`)), reject)
    })
  return { child, ended, printed }
}
