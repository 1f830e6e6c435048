import type { Connection } from '../../net/connection.ts'
import type { TopicHandle } from '../../store/message-store.ts'
import type { PullGroupConfig } from './pull-check.ts'
import type { PullFilter } from './pull-filter.ts'
import type { PullRequest } from './pull-request.ts'

/**
 * A checked pull: which queue, and which messages of it. All in one object that is used again for other pulls: a broker
 * whose clients wait for messages makes and parks one for every message.
 */
export class PullPlan implements PullRequest {
  connection!: Connection
  opaque = 0
  serializeType: 0 | 1 = 0
  oneway = false
  group = ''
  topic = ''
  queueId = 0
  queueOffset = 0
  maxMessages = 0
  sysFlag = 0
  commitOffset = 0
  suspendTimeoutMs = 0
  subVersion = 0
  subscription: string | undefined = undefined
  expressionType: string | undefined = undefined
  topicHandle!: TopicHandle
  groupConfig!: PullGroupConfig
  filter!: PullFilter

  /** Becomes the plan of another request, which is to be checked. */
  ask(request: PullRequest): void {
    this.connection = request.connection
    this.opaque = request.opaque
    this.serializeType = request.serializeType
    this.oneway = request.oneway
    this.group = request.group
    this.topic = request.topic
    this.queueId = request.queueId
    this.queueOffset = request.queueOffset
    this.maxMessages = request.maxMessages
    this.sysFlag = request.sysFlag
    this.commitOffset = request.commitOffset
    this.suspendTimeoutMs = request.suspendTimeoutMs
    this.subVersion = request.subVersion
    this.subscription = request.subscription
    this.expressionType = request.expressionType
  }

  /** Becomes the same as another plan. */
  copy(plan: PullPlan): void {
    this.ask(plan)
    this.topicHandle = plan.topicHandle
    this.groupConfig = plan.groupConfig
    this.filter = plan.filter
  }
}
