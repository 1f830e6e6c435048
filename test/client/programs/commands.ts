import { Command } from 'commander'
import { addConsumeCommand } from '../../../lib/cli/consume.ts'
import { addProduceCommand } from '../../../lib/cli/produce.ts'

const program = new Command('apogeemq')
addProduceCommand(program)
addConsumeCommand(program)
await program.parseAsync()
