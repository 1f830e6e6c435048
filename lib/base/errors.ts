/** What every error of this project carries: a stable code, whether trying again can help, and the cause. */
export interface ErrorFacts {
  /** Whether the same call can succeed later without a change by the caller. Default false. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/**
 * Base of all errors this package throws. `code` is stable and documented; `message` is one sentence that names
 * the thing concerned.
 */
export class ApogeeError extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = facts.retryable ?? false
  }
}

/** Text of anything thrown, for log lines and wire remarks. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))
