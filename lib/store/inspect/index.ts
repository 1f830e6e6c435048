export { type DumpFilter, type DumpStep, dumpStore, messageAt } from './dump.ts'
export type { EngineOptions } from './engine-pass.ts'
export type { Finding, FindingCode, Severity } from './findings.ts'
export type { LayoutOptions } from './layout.ts'
export { type RebuildOptions, type RebuildReport, rebuildStore } from './rebuild.ts'
export {
  planRepair,
  type RepairAction,
  type RepairOptions,
  type RepairPlan,
  type RepairResult,
  repairStore,
} from './repair.ts'
export { type QueueStat, type StatOptions, type StoreStat, statStore, type TopicStat } from './stat.ts'
export { type Progress, type VerifyOptions, type VerifyReport, verifyStore } from './verify.ts'
