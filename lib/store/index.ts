export { AppendBatch, maxAppendRows } from './append-batch.ts'
export type { Appended, Durability, Position } from './appended.ts'
export { FilterBits, type FilterBitsOptions, type StoreFilter } from './filter-bits.ts'
export type { Lease } from './leases.ts'
export type { LogMessage, NewMessage } from './log-message.ts'
export {
  type AppendOptions,
  type KeyQueryOptions,
  type LogStore,
  type MessageOptions,
  openStore,
  type QueueOptions,
  type ReadOptions,
  type ScanOptions,
  type TailOptions,
} from './log-store.ts'
export type { LogStoreOptions } from './log-store-options.ts'
export type { QueueStats, StoreStats } from './log-store-stats.ts'
export type { Truncation, TruncationPoint } from './log-truncation.ts'
export type {
  ConsumeQueueExtOptions,
  FlushOptions,
  KeyQueryResult,
  LogDamage,
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
export { openMessageStore } from './native-store.ts'
export { PullResult } from './pull-result.ts'
export type { ReadResult } from './queue-reader.ts'
export type { RetentionOptions, RetentionStats, TopicRetention } from './retention.ts'
export { AppendStatus, PullStatus } from './status.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
export type { TopicHandle } from './topic-handle.ts'
