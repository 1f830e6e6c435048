#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises'
import { runningServers, type ServerRole } from './run-registry.ts'
import { exitWith } from './run-server.ts'

/** How long a server may take to stop. */
const WAIT_MS = 15_000
const LOOK_EVERY_MS = 50

/** Java's mqshutdown: asks every server of one role of this user to stop, and waits until it has. */
const shutdown = async (role: ServerRole): Promise<void> => {
  const asked = runningServers(role)
  if (asked.length === 0) exitWith(`No mq${role} running.`)
  for (const { pid } of asked) {
    process.stdout.write(`The mq${role}(${pid}) is running...\n`)
    try {
      process.kill(pid, 'SIGTERM')
    } catch (error) {
      // It ended by itself since it was found.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    process.stdout.write(`Send shutdown request to mq${role}(${pid}) OK\n`)
  }
  for (let waitedMs = 0; runningServers(role).length > 0; waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > WAIT_MS) exitWith(`mq${role} still runs after ${WAIT_MS / 1000} s`)
    await sleep(LOOK_EVERY_MS)
  }
}

const role = process.argv[2]
if (role !== 'broker' && role !== 'namesrv') exitWith('Usage: mqshutdown broker | namesrv')
else await shutdown(role)
