export { AppendBatch, maxAppendRows } from './append-batch.ts'
export type {
  FlushOptions,
  KeyQueryResult,
  MessageStore,
  MultiDispatchOptions,
  QueueEntry,
  ReadLimits,
  RecoveryProgress,
  RecoveryReport,
  StoreOptions,
  StoreWatermarks,
  WritePath,
} from './message-store.ts'
export { openStore } from './native-store.ts'
export { PullResult } from './pull-result.ts'
export type { RetentionOptions, RetentionStats, TopicRetention } from './retention.ts'
export { AppendStatus, PullStatus } from './status.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
export type { TopicHandle } from './topic-handle.ts'
