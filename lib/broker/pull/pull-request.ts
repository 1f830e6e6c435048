import type { AnswerTo } from '../send/send-response.ts'

/** Bits of a pull request's sysFlag. */
export const PullFlag = { commitOffset: 1, suspend: 2, subscription: 4, classFilter: 8, litePull: 16 } as const

/** One pull request, whichever header encoding it came in. */
export interface PullRequest {
  readonly to: AnswerTo
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly maxMessages: number
  readonly sysFlag: number
  readonly commitOffset: number
  readonly suspendTimeoutMs: number
  readonly subVersion: number
  readonly subscription: string | undefined
  readonly expressionType: string | undefined
}
