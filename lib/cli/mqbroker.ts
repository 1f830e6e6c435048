#!/usr/bin/env node
import { brokerCommand } from './broker-command.ts'

await brokerCommand('mqbroker').parseAsync()
