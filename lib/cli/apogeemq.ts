#!/usr/bin/env node
import { createRequire } from 'node:module'
import { Command } from 'commander'
import { addBrokerCommand } from './broker-command.ts'
import { addConsumeCommand } from './consume.ts'
import { addFiltersrvCommand } from './filtersrv-command.ts'
import { addNamesrvCommand } from './namesrv-command.ts'
import { addProduceCommand } from './produce.ts'
import { addStartCommand } from './start-command.ts'
import { addStoreCommand } from './store/store-command.ts'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

const program = new Command('apogeemq')
  .description('A message broker that Apache RocketMQ clients, tools and clusters take for the real thing.')
  .version(version)
addStartCommand(program)
addNamesrvCommand(program)
addBrokerCommand(program)
addFiltersrvCommand(program)
addProduceCommand(program)
addConsumeCommand(program)
addStoreCommand(program)
await program.parseAsync()
