#!/usr/bin/env node
import { namesrvCommand } from './namesrv-command.ts'

await namesrvCommand('mqnamesrv').parseAsync()
