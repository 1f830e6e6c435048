/** What is used of benchmark.js 2, which brings no types. */
declare module 'benchmark' {
  export interface Deferred {
    resolve(): void
  }
  export interface Case {
    readonly name: string
    /** Runs per second. */
    readonly hz: number
    readonly error?: Error
    readonly stats: {
      /** Relative margin of error in percent. */
      readonly rme: number
      readonly sample: readonly number[]
    }
  }
  export interface CaseOptions {
    readonly minTime?: number
    readonly maxTime?: number
    readonly defer?: boolean
    readonly onStart?: () => void
    readonly onCycle?: () => void
  }
  export class Suite {
    add(name: string, work: (deferred: Deferred) => void, options?: CaseOptions): this
    on(event: 'cycle', listener: (event: { readonly target: Case }) => void): this
    on(event: 'complete', listener: () => void): this
    run(options?: { readonly async?: boolean }): this
    /** Number of cases. */
    readonly length: number
  }
  const benchmark: { readonly Suite: typeof Suite }
  export default benchmark
}
