import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { waitFor } from './wait-for.ts'

/** A server in a process of its own, ours or a Java one. */
export interface Peer {
  /** host:port as clients are told. */
  readonly address: string
  /** SIGTERM, then waits for the end of the process. */
  stop(): Promise<void>
  /** SIGKILL, then waits for the end of the process. */
  kill(): Promise<void>
  /** SIGSTOP, then waits until every thread stands: the process does nothing until resumed, its connections stay. */
  pause(): Promise<void>
  /** SIGCONT. */
  resume(): void
}

/** How to start a process. */
export interface PeerCommand {
  /** For error messages. */
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** Added to this process's environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Called once when the process has ended, whatever the reason: removes its folders. */
  readonly onEnd?: () => void
}

const KEPT_LINES = 200
/** A Java broker's stop takes some seconds: it unregisters, flushes and joins its threads one by one. */
const STOP_TIMEOUT_MS = 90_000
const running = new Set<ChildProcess>()

/** One letter a thread, as in proc(5). */
const threadStates = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
    return /^State:\s+(\S)/m.exec(status)?.[1] ?? ''
  })

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A child process whose output lines can be awaited. It never outlives this process. */
export class PeerProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly #lines: string[] = []
  readonly #listeners = new Set<(line: string) => void>()
  readonly #ended: Promise<unknown>

  constructor(command: PeerCommand) {
    this.name = command.name
    const env: NodeJS.ProcessEnv = { ...process.env, ...command.env }
    this.child = spawn(command.file, [...command.args], { env, cwd: command.cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(this.child)
    this.#ended = once(this.child, 'close').finally(() => {
      running.delete(this.child)
      command.onEnd?.()
    })
    this.#ended.catch(() => undefined)
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#take(line))
    }
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** The last lines of standard output and standard error, mixed. */
  get output(): string {
    return this.#lines.join('\n')
  }

  #take(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > KEPT_LINES) this.#lines.shift()
    for (const listener of this.#listeners) listener(line)
  }

  /** Every line from now on. */
  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener)
  }

  /**
   * Resolves with the first line, past or coming, that matches.
   * @throws Error with the process's output when it ends first or the time is over.
   */
  async line(pattern: RegExp, timeoutMs: number): Promise<string> {
    const earlier = this.#lines.find((line) => pattern.test(line))
    if (earlier !== undefined) return earlier
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<string>((resolve, reject) => {
        this.onLine((line) => pattern.test(line) && resolve(line))
        timer = setTimeout(() => reject(this.failure(`did not print ${pattern} in ${timeoutMs} ms`)), timeoutMs)
        this.#ended.then(
          () => reject(this.failure('ended early')),
          (cause) => reject(this.failure('could not be started', cause)),
        )
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** This process as a server at the given address. */
  asPeer(address: string): Peer {
    return {
      address,
      stop: () => this.stop(),
      kill: () => this.kill(),
      pause: () => this.pause(),
      resume: () => this.signal('SIGCONT'),
    }
  }

  /** On a busy machine other threads run on for a while after the one that takes the signal. */
  async pause(): Promise<void> {
    this.signal('SIGSTOP')
    await waitFor(`${this.name} to stand still`, async () => threadStates(this.pid).every((state) => state === 'T'))
  }

  /** @throws Error when the process has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.hasEnded || !this.child.kill(signal)) throw this.failure(`cannot be sent ${signal}`)
  }

  failure(what: string, cause?: unknown): Error {
    const end = this.hasEnded ? ` (exit code ${this.child.exitCode}, signal ${this.child.signalCode})` : ''
    return new Error(`${this.name} ${what}${end}; its last output:\n${this.output}`, { cause })
  }

  /**
   * Waits for a readiness check, which is told to give up when the process ends.
   * @throws Error with the process's output when the check fails or the process ends first; it has been killed then.
   */
  async ready<T>(check: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController()
    const end = this.#ended.then(() => Promise.reject(this.failure('ended early')))
    try {
      return await Promise.race([check(over.signal), end])
    } catch (error) {
      await this.kill()
      throw this.failure('did not become ready', error)
    } finally {
      over.abort()
      end.catch(() => undefined)
    }
  }

  /** The end of the process and of its output. */
  async ended(): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
    await this.#ended
    return { exitCode: this.child.exitCode, signal: this.child.signalCode }
  }

  /**
   * Asks the process to end and waits.
   * @throws Error when it does not end in time; it has been killed then.
   */
  async stop(timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
    if (this.hasEnded) return
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.child.kill('SIGKILL')
    }, timeoutMs)
    this.child.kill('SIGTERM')
    await this.#ended
    clearTimeout(timer)
    if (late) throw this.failure(`did not stop within ${timeoutMs} ms`)
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return
    this.child.kill('SIGKILL')
    await this.#ended
  }
}
