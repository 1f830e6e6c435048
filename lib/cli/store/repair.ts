import type { Command } from 'commander'
import { planRepair, type RepairAction, type RepairPlan, repairStore } from '../../store/inspect/index.ts'
import { type EngineFlags, engineOptions } from './rebuild.ts'
import {
  addEngineOptions,
  ExitCode,
  endProgress,
  printJson,
  runReading,
  runStoreCommand,
  storeCommand,
} from './store-options.ts'
import { findingLine, summaryLines } from './verify.ts'

interface RepairFlags extends EngineFlags {
  readonly yes?: boolean
}

const actionLine = (action: RepairAction): string => {
  switch (action.action) {
    case 'cut-tail':
      return `cut the log at physical offset ${action.fromOffset}: ${action.why}`
    case 'extend':
      return `extend ${action.path} to ${action.toBytes} bytes with zeros: ${action.why}`
    case 'set-aside':
      return `move ${action.path} aside: ${action.why}`
    case 'remake':
      return `move ${action.path} aside and make it anew from the log: ${action.why}`
    case 'add-entries':
      return `add queue entries from the log: ${action.why}`
    case 'reset-checkpoint':
      return `write the checkpoint anew: ${action.why}`
    case 'reset-recovery-point':
      return `move the recovery point aside and write it anew: ${action.why}`
    case 'quarantine':
      return `quarantine physical offsets ${action.fromOffset} to ${action.toOffset}, where they are: ${action.why}`
  }
}

const planLines = ({ actions, unrepaired }: RepairPlan): string[] => [
  ...unrepaired.map((finding) => `stays: ${findingLine(finding)}`),
  ...actions.map(actionLine),
]

const dryRun = (dir: string, flags: RepairFlags): Promise<void> =>
  runReading(dir, () => {
    const plan = planRepair(dir, engineOptions(flags))
    endProgress()
    if (flags.json) printJson({ applied: false, ...plan })
    else {
      const nothing = plan.unrepaired.length === 0 ? 'there is nothing to repair' : 'nothing of this can be repaired'
      const end = plan.actions.length === 0 ? nothing : 'nothing was changed; --yes does the above'
      process.stdout.write(`${[...planLines(plan), end].join('\n')}\n`)
    }
    return plan.before.isClean ? ExitCode.OK : ExitCode.DAMAGE
  })

const apply = (dir: string, flags: RepairFlags): Promise<void> =>
  runStoreCommand(async () => {
    const result = await repairStore(dir, engineOptions(flags))
    endProgress()
    if (flags.json) printJson({ applied: true, ...result })
    else {
      const { after, aside, recovery } = result
      const lines = [
        ...planLines(result),
        ...(recovery?.notes ?? []),
        ...after.findings.map(findingLine),
        ...summaryLines(after),
        ...(aside === undefined ? [] : [`what was replaced is in ${aside}`]),
      ]
      process.stdout.write(`${lines.join('\n')}\n`)
    }
    return result.after.isClean ? ExitCode.OK : ExitCode.DAMAGE
  })

/** `apogeemq store repair DIR`. */
export const addRepairCommand = (store: Command): Command =>
  addEngineOptions(
    storeCommand(
      store,
      'repair',
      'Say what a repair would do, and with --yes do it: cut a torn tail, quarantine other damage, make damaged queues and index anew, move stray files aside. Good records are never cut.',
    ),
  )
    .option('--yes', 'do it')
    .action((dir: string, flags: RepairFlags) => (flags.yes ? apply(dir, flags) : dryRun(dir, flags)))
