import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from '../directory-lock.ts'
import type { RecoveryReport } from '../message-store.ts'
import { type EngineOptions, EnginePass } from './engine-pass.ts'
import type { Finding, FindingCode } from './findings.ts'
import { readLayout, type StoreLayout } from './layout.ts'
import { addToQuarantine } from './quarantine.ts'
import { SetAside } from './set-aside.ts'
import { type VerifyOptions, type VerifyReport, verifyStore } from './verify.ts'

/** One step of a repair. `path` is absolute. */
export type RepairAction =
  /** The log's last bytes, which are no record, are overwritten with zeros. */
  | { readonly action: 'cut-tail'; readonly fromOffset: number; readonly why: string }
  /** The last segment gets its full length again, with zeros. */
  | { readonly action: 'extend'; readonly path: string; readonly toBytes: number; readonly why: string }
  /** Moved into `aside-N`. */
  | { readonly action: 'set-aside'; readonly path: string; readonly why: string }
  /** Set aside, and made anew from the log by the engine. */
  | { readonly action: 'remake'; readonly path: string; readonly why: string }
  /** Entries that the log has a record for are added. */
  | { readonly action: 'add-entries'; readonly why: string }
  | { readonly action: 'reset-checkpoint'; readonly why: string }
  | { readonly action: 'reset-recovery-point'; readonly why: string }
  /** Listed in quarantine.json: stays where it is, and is never read as messages. */
  | { readonly action: 'quarantine'; readonly fromOffset: number; readonly toOffset: number; readonly why: string }

/** What a repair would do, and what it cannot. */
export interface RepairPlan {
  readonly before: VerifyReport
  readonly actions: readonly RepairAction[]
  /** Findings that stay. */
  readonly unrepaired: readonly Finding[]
}

/** What became of a repair. */
export interface RepairResult extends RepairPlan {
  readonly after: VerifyReport
  /** Where files went; undefined when none was moved. */
  readonly aside: string | undefined
  /** What the engine did; undefined when it was not needed. */
  readonly recovery: RecoveryReport | undefined
}

export interface RepairOptions extends EngineOptions, Pick<VerifyOptions, 'onProgress'> {}

const engineActions: ReadonlySet<RepairAction['action']> = new Set([
  'cut-tail',
  'remake',
  'add-entries',
  'reset-checkpoint',
  'reset-recovery-point',
])

/** A file of this kind that is broken says nothing to the engine. */
const derivedFileCodes: ReadonlySet<FindingCode> = new Set([
  'CHECKSUM_FILE',
  'QUARANTINE_FILE',
  'REMOVED_TOPICS_FILE',
  'RETENTION_FILE',
])

const hasError = (report: VerifyReport, prefix: string): boolean =>
  report.findings.some(({ severity, code }) => severity === 'error' && code.startsWith(prefix))

/** Actions on files of the log: only what holds no record is ever touched. */
const logActions = (layout: StoreLayout, report: VerifyReport): RepairAction[] => {
  const actions: RepairAction[] = []
  const last = layout.segments.at(-1)
  for (const segment of layout.segments) {
    const { path, start, sizeBytes } = segment
    if (sizeBytes >= layout.segmentBytes) continue
    const isEmpty = segment === last && start >= report.logEnd && layout.segments.length > 1
    if (isEmpty) actions.push({ action: 'set-aside', path, why: 'a segment too short that holds no record' })
    else {
      const why = `the segment has only ${sizeBytes} bytes`
      actions.push({ action: 'extend', path, toBytes: layout.segmentBytes, why })
    }
  }
  if (
    report.tornAt !== undefined &&
    !(last !== undefined && report.tornAt >= last.start && actions.at(-1)?.action === 'set-aside')
  ) {
    actions.push({ action: 'cut-tail', fromOffset: report.tornAt, why: 'no record, and no good one behind' })
  }
  return actions
}

/** Damage with good records behind it is never cut. */
const quarantineActions = ({ damagedRanges }: VerifyReport): RepairAction[] =>
  damagedRanges.map(({ from, to, reason }) => ({
    action: 'quarantine',
    fromOffset: from,
    toOffset: to,
    why: reason,
  }))

/** Actions on what the log can bring back. */
const derivedActions = (layout: StoreLayout, report: VerifyReport): RepairAction[] => {
  const actions: RepairAction[] = report.damagedQueues.map((name) => ({
    action: 'remake',
    path: join(layout.root, name),
    why: 'its files disagree with the log',
  }))
  const hasDamagedQueues = actions.length > 0
  if (!hasDamagedQueues && hasError(report, 'QUEUE_ENTRY_MISSING')) {
    actions.push({ action: 'add-entries', why: 'records without a queue entry' })
  }
  if (
    report.isIndexDamaged ||
    report.findings.some(({ code, severity }) => code === 'INDEX_INCOMPLETE' && severity === 'warning')
  ) {
    actions.push({ action: 'remake', path: join(layout.root, 'index'), why: 'it disagrees with the log' })
  }
  if (hasError(report, 'CHECKPOINT')) actions.push({ action: 'reset-checkpoint', why: 'it is not true' })
  // Any other work of the engine makes it anew as well.
  if (actions.length === 0 && report.tornAt === undefined && hasError(report, 'RECOVERY_POINT')) {
    actions.push({ action: 'reset-recovery-point', why: 'it does not speak of this log' })
  }
  return actions
}

const fileActions = (layout: StoreLayout, report: VerifyReport): RepairAction[] => {
  const actions: RepairAction[] = layout.strays.map(({ path, kind }) => ({
    action: 'set-aside',
    path,
    why: kind === 'leftover' ? 'left by an interrupted write' : 'no file of this name belongs there',
  }))
  for (const { code, file } of report.findings) {
    if (!derivedFileCodes.has(code)) continue
    actions.push({
      action: 'set-aside',
      path: join(layout.root, file),
      why: 'it is broken, and the engine goes without',
    })
  }
  const broken = report.findings
    .filter(({ code }) => code === 'CONFIG_BROKEN')
    .map(({ file }) => join(layout.root, file))
  for (const path of broken) {
    const other = path.endsWith('.bak') ? path.slice(0, -'.bak'.length) : `${path}.bak`
    const otherIsGood = layout.configFiles.includes(other) && !broken.includes(other)
    if (otherIsGood) actions.push({ action: 'set-aside', path, why: `cannot be read; ${layout.nameOf(other)} can` })
  }
  return actions
}

const isQuarantined = ({ physicalOffset = -1 }: Finding, actions: readonly RepairAction[]): boolean =>
  actions.some(
    (action) =>
      action.action === 'quarantine' && action.fromOffset <= physicalOffset && physicalOffset < action.toOffset,
  )

const isRepaired = (finding: Finding, layout: StoreLayout, actions: readonly RepairAction[]): boolean => {
  const has = (wanted: RepairAction['action']): boolean => actions.some(({ action }) => action === wanted)
  const isTouched = (path: string): boolean => actions.some((action) => 'path' in action && action.path === path)
  switch (finding.code) {
    case 'LOG_TORN_TAIL':
      return has('cut-tail') || has('set-aside')
    case 'LOG_DAMAGED':
    case 'LOG_CHECKSUM':
      return has('quarantine')
    case 'LOG_SEGMENT_SIZE':
    case 'CHECKSUM_FILE':
    case 'QUARANTINE_FILE':
    case 'REMOVED_TOPICS_FILE':
    case 'RETENTION_FILE':
    case 'CONFIG_BROKEN':
    case 'STRAY_FILE':
    case 'LEFTOVER_FILE':
      return isTouched(join(layout.root, finding.file)) || isTouched(finding.file)
    case 'QUEUE_ENTRY_MISSING':
    case 'QUEUE_ENTRY_WRONG':
    case 'QUEUE_FILES':
    case 'QUEUE_TAG_CODE':
      return has('remake') || has('add-entries')
    case 'QUEUE_ENTRY_STRAY':
      return has('remake') || has('cut-tail') || has('quarantine')
    case 'INDEX_ITEM':
      return isTouched(join(layout.root, 'index')) || isQuarantined(finding, actions)
    case 'INDEX_HEADER':
    case 'INDEX_SIZES_UNKNOWN':
    case 'INDEX_SLOT':
    case 'INDEX_INCOMPLETE':
      return isTouched(join(layout.root, 'index'))
    case 'CHECKPOINT':
      return has('reset-checkpoint')
    case 'RECOVERY_POINT':
      return actions.some(({ action }) => engineActions.has(action))
    default:
      return false
  }
}

const planOn = (layout: StoreLayout, options: RepairOptions): RepairPlan => {
  const before = verifyStore(layout.root, options)
  const wanted = [
    ...fileActions(layout, before),
    ...quarantineActions(before),
    ...logActions(layout, before),
    ...derivedActions(layout, before),
  ]
  // The engine opens no log with a missing file, and what is older than the records before it counts as a leftover of an
  // earlier log: whether it is, is for a person to say.
  const isBlocked = before.missingRanges.length > 0 || before.rangesBeforeOlder.length > 0
  const actions = isBlocked ? wanted.filter(({ action }) => action === 'set-aside' || action === 'extend') : wanted
  const unrepaired = before.findings.filter(
    (finding) => finding.severity !== 'note' && !isRepaired(finding, layout, actions),
  )
  return { before, actions, unrepaired }
}

/**
 * Says what {@link repairStore} would do. Changes nothing.
 * @throws {StoreError} `STORE_NOT_FOUND` when the directory holds no store
 */
export const planRepair = (root: string, options: RepairOptions = {}): RepairPlan =>
  planOn(readLayout(root, options), options)

const extend = (path: string, toBytes: number): void => {
  const descriptor = openSync(path, 'r+')
  try {
    ftruncateSync(descriptor, toBytes)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const applyToFiles = (actions: readonly RepairAction[], aside: SetAside): void => {
  for (const action of actions) {
    if (action.action === 'set-aside' || action.action === 'remake') aside.move(action.path)
    else if (action.action === 'extend') extend(action.path, action.toBytes)
  }
}

const quarantine = (layout: StoreLayout, actions: readonly RepairAction[]): void => {
  const ranges = actions.flatMap((action) =>
    action.action === 'quarantine' ? [{ from: action.fromOffset, to: action.toOffset, reason: action.why }] : [],
  )
  addToQuarantine(layout, ranges)
}

/**
 * Repairs a store that nobody has open: cuts a torn tail, quarantines damage with good records behind it, makes queues
 * and index that disagree with the log anew, moves stray files aside. Nothing is deleted: what is replaced stays in
 * `aside-N`. A good record is never cut: while a file of the log is missing, or damage has older records behind it, only
 * files that hold no record are touched.
 *
 * @throws {StoreError} `STORE_LOCKED` while the store is open, `STORE_NOT_FOUND`, what `openMessageStore` throws: files that
 *   were moved are put back then
 */
export const repairStore = async (root: string, options: RepairOptions = {}): Promise<RepairResult> => {
  const lock = lockDirectory(root)
  const layout = readLayout(root, options)
  const aside = new SetAside(layout)
  const pass = new EnginePass(layout, aside, options)
  let plan: RepairPlan
  let needsEngine = false
  try {
    plan = planOn(layout, options)
    needsEngine = plan.actions.some(({ action }) => engineActions.has(action))
    if (needsEngine) pass.prepare(plan.before.needsRecoveryPoint)
    applyToFiles(plan.actions, aside)
    if (!needsEngine) quarantine(layout, plan.actions)
  } catch (error) {
    pass.undo()
    throw error
  } finally {
    // The engine takes it itself.
    lock.release()
  }
  const recovery = needsEngine
    ? await pass.run().catch((error: unknown) => {
        pass.undo()
        throw error
      })
    : undefined
  if (needsEngine) {
    using _lock = lockDirectory(root)
    quarantine(layout, plan.actions)
  }
  const after = plan.actions.length === 0 ? plan.before : verifyStore(root, options)
  return { ...plan, after, aside: aside.isEmpty && !existsSync(aside.dir) ? undefined : aside.dir, recovery }
}
