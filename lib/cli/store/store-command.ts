import type { Command } from 'commander'
import { addDumpCommand } from './dump.ts'
import { addRebuildCommand } from './rebuild.ts'
import { addRepairCommand } from './repair.ts'
import { addStatCommand } from './stat.ts'
import { ExitCode } from './store-options.ts'
import { addVerifyCommand } from './verify.ts'

/** `apogeemq store`: tools for the directory of a store, ours or Java's, that nobody has open. */
export const addStoreCommand = (program: Command): Command => {
  const store = program
    .command('store')
    .description("Look into, check and repair the directory of a stopped broker, ours or Java's.")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : ExitCode.USAGE))
  addStatCommand(store)
  addVerifyCommand(store)
  addDumpCommand(store)
  addRebuildCommand(store)
  addRepairCommand(store)
  return store
}
