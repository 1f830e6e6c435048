import { ApogeeError } from '../base/errors.ts'

/** An expression that cannot be compiled. `FILTER_SYNTAX`, `FILTER_TYPE` or `FILTER_LIMIT`; not retryable. */
export class FilterError extends ApogeeError {}
