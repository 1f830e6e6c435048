import { newQuickJSWASMModule, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime } from 'quickjs-emscripten'
import type { Clock } from '../base/clock.ts'
import { ApogeeError } from '../base/errors.ts'
import type { FilterMessage } from './filter-message.ts'

/** A filter function that cannot be made, or that failed. `FILTER_SOURCE`, `FILTER_FAILED`, `FILTER_TIMEOUT`. */
export class SandboxError extends ApogeeError {}

/** What a filter function may use up. */
export interface SandboxLimits {
  /** Memory of one filter. Default 8 MiB. */
  readonly memoryBytes?: number
  /** Time of its source to be evaluated. Default 200 ms. */
  readonly loadMs?: number
}

/** Makes filters out of source text, each in an interpreter of its own. */
export interface Sandbox {
  /** @throws {SandboxError} `FILTER_SOURCE`, `FILTER_TIMEOUT` */
  load(source: string): FilterFunction
}

/** A filter function in its interpreter. */
export interface FilterFunction {
  /**
   * Which of the messages pass; all of them together may take `budgetMs`.
   * @throws {SandboxError} `FILTER_FAILED`, `FILTER_TIMEOUT`
   */
  matching(messages: readonly FilterMessage[], consumerGroup: string, budgetMs: number): boolean[]
  dispose(): void
}

const DEFAULT_MEMORY_BYTES = 8 << 20
const DEFAULT_LOAD_MS = 200
const STACK_BYTES = 256 << 10
const MAX_ERROR_LENGTH = 500

/** Calls the filter: made before its source is evaluated, so that this cannot change what it is made of. */
const CALLER = `(() => {
  const { parse } = JSON
  const { defineProperty } = Object
  return (match, json, bytes, text, consumerGroup) => {
    const message = parse(json)
    defineProperty(message, 'body', { enumerable: true, get: () => new Uint8Array(bytes()) })
    defineProperty(message, 'text', { enumerable: true, get: text })
    return match(message, { consumerGroup }) === true
  }
})()`

/** Loads the interpreter, QuickJS in WebAssembly: nothing of Node can be reached from inside. */
export const openSandbox = async (clock: Clock, limits: SandboxLimits = {}): Promise<Sandbox> => {
  const quickjs = await newQuickJSWASMModule()
  return { load: (source) => new SandboxedFunction(quickjs.newRuntime(), clock, source, limits) }
}

class SandboxedFunction implements FilterFunction {
  readonly #runtime: QuickJSRuntime
  readonly #context: QuickJSContext
  readonly #clock: Clock
  readonly #handles: QuickJSHandle[] = []
  readonly #call: (json: QuickJSHandle, group: QuickJSHandle) => boolean
  #message: FilterMessage | undefined
  #deadlineMs = 0
  #isLate = false

  constructor(runtime: QuickJSRuntime, clock: Clock, source: string, limits: SandboxLimits) {
    this.#runtime = runtime
    this.#clock = clock
    runtime.setMemoryLimit(limits.memoryBytes ?? DEFAULT_MEMORY_BYTES)
    runtime.setMaxStackSize(STACK_BYTES)
    runtime.setInterruptHandler(() => {
      this.#isLate ||= clock.monotonicMs() > this.#deadlineMs
      return this.#isLate
    })
    this.#context = runtime.newContext()
    try {
      this.#begin(limits.loadMs ?? DEFAULT_LOAD_MS)
      this.#call = this.#prepare(source)
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  matching(messages: readonly FilterMessage[], consumerGroup: string, budgetMs: number): boolean[] {
    this.#begin(budgetMs)
    const group = this.#context.newString(consumerGroup)
    try {
      return messages.map((message) => {
        this.#message = message
        const { body: _, ...members } = message
        const json = this.#context.newString(JSON.stringify(members))
        try {
          return this.#call(json, group)
        } finally {
          json.dispose()
        }
      })
    } finally {
      group.dispose()
      this.#message = undefined
    }
  }

  dispose(): void {
    for (const handle of this.#handles.splice(0)) handle.dispose()
    this.#context.dispose()
    this.#runtime.dispose()
  }

  #begin(budgetMs: number): void {
    this.#deadlineMs = this.#clock.monotonicMs() + budgetMs
    this.#isLate = false
  }

  #prepare(source: string): (json: QuickJSHandle, group: QuickJSHandle) => boolean {
    const context = this.#context
    const caller = this.#kept(this.#evaluated(CALLER))
    this.#evaluated(source).dispose()
    const match = this.#kept(context.getProp(context.global, 'match'))
    if (context.typeof(match) !== 'function') {
      throw new SandboxError('FILTER_SOURCE', 'the source has no function match(message, context)')
    }
    const bytes = this.#kept(context.newFunction('bytes', () => context.newArrayBuffer(this.#bodyCopy())))
    const text = this.#kept(context.newFunction('text', () => context.newString(this.#body().toString('utf8'))))
    return (json, group) => {
      const result = context.callFunction(caller, context.undefined, match, json, bytes, text, group)
      if (result.error !== undefined) throw this.#failure('FILTER_FAILED', result.error)
      const passes = context.dump(result.value) === true
      result.value.dispose()
      return passes
    }
  }

  #body(): Buffer {
    return this.#message?.body() ?? Buffer.alloc(0)
  }

  #bodyCopy(): ArrayBuffer {
    return Uint8Array.from(this.#body()).buffer
  }

  #kept(handle: QuickJSHandle): QuickJSHandle {
    this.#handles.push(handle)
    return handle
  }

  #evaluated(source: string): QuickJSHandle {
    const result = this.#context.evalCode(source, 'filter.js')
    if (result.error !== undefined) throw this.#failure('FILTER_SOURCE', result.error)
    return result.value
  }

  /** What a filter throws may be anything: only its text is taken, and not much of that. */
  #failure(code: 'FILTER_FAILED' | 'FILTER_SOURCE', thrown: QuickJSHandle): SandboxError {
    const late = this.#isLate
    this.#begin(1)
    const described = late ? undefined : describe(this.#context.dump(thrown))
    thrown.dispose()
    if (described === undefined) return new SandboxError('FILTER_TIMEOUT', 'the filter takes too long')
    return new SandboxError(code, `the filter failed: ${described}`)
  }
}

const describe = (thrown: unknown): string => {
  const { name, message } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<string, unknown>
  const text = typeof message === 'string' ? `${String(name ?? 'Error')}: ${message}` : String(thrown)
  return text.slice(0, MAX_ERROR_LENGTH)
}
