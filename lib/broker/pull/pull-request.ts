import type { AnswerTo } from '../answer.ts'

/**
 * One pull request, whichever header encoding it came in. The object may be used for the next one when the call that it
 * is passed to has returned.
 */
export interface PullRequest extends AnswerTo {
  /** It wants no answer. */
  readonly oneway: boolean
  readonly group: string
  readonly topic: string
  readonly queueId: number
  /** Safe: what lies beyond 2^53 is as far beyond any queue as 2^53 - 1. */
  readonly queueOffset: number
  readonly maxMessages: number
  readonly sysFlag: number
  readonly commitOffset: number
  readonly suspendTimeoutMs: number
  readonly subVersion: number
  readonly subscription: string | undefined
  readonly expressionType: string | undefined
}
