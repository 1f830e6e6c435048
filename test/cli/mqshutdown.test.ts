import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { freeBrokerPort, freePort } from '../support/ports.ts'
import { CliRun, runToEnd } from './support/cli-run.ts'
import { Home } from './support/home.ts'

const brokerFile = async (home: Home, name: string): Promise<string> =>
  home.properties(`${name}.properties`, {
    brokerName: name,
    brokerIP1: '127.0.0.1',
    listenPort: await freeBrokerPort(),
    storePathRootDir: home.at(name),
  })

const notes = (home: Home): string[] => readdirSync(home.at('run', 'apogeemq'))

test('mqshutdown stops every broker of this user, waits until they have ended, and leaves the name server alone', async () => {
  using home = new Home()
  const namesrvFile = home.properties('namesrv.properties', { listenPort: await freePort() })
  await using namesrv = new CliRun('mqnamesrv', ['-c', namesrvFile], home.path)
  await namesrv.ready()
  await using a = new CliRun('mqbroker', ['-c', await brokerFile(home, 'a')], home.path)
  await using b = new CliRun('apogeemq', ['broker', '-c', await brokerFile(home, 'b')], home.path)
  await Promise.all([a.ready(), b.ready()])
  const pids = [a.process.pid, b.process.pid]
  deepEqual(notes(home).sort(), [...pids.map((pid) => `broker-${pid}`), `namesrv-${namesrv.process.pid}`].sort())

  const { exitCode, out, errors } = await runToEnd('mqshutdown', ['broker'], home.path)
  deepEqual([exitCode, errors], [0, ''])
  const expected = pids.flatMap((pid) => [
    `The mqbroker(${pid}) is running...`,
    `Send shutdown request to mqbroker(${pid}) OK`,
  ])
  deepEqual(out.trimEnd().split('\n').sort(), expected.sort())
  for (const run of [a, b]) {
    equal((await run.end()).exitCode, 0)
  }
  for (const name of ['a', 'b']) equal(existsSync(home.at(name, 'abort')), false)
  equal(namesrv.process.hasEnded, false)

  const second = await runToEnd('mqshutdown', ['namesrv'], home.path)
  equal(second.exitCode, 0)
  equal((await namesrv.end()).exitCode, 0)
  deepEqual(notes(home), [])
})

test('mqshutdown stops `apogeemq start` whichever role is asked for', async () => {
  for (const role of ['broker', 'namesrv']) {
    using home = new Home()
    const ports = ['--namesrv-port', String(await freePort()), '--broker-port', String(await freeBrokerPort())]
    await using run = new CliRun('apogeemq', ['start', '--data', home.at('data'), ...ports], home.path)
    await run.ready()
    equal((await runToEnd('mqshutdown', [role], home.path)).exitCode, 0)
    equal((await run.end()).exitCode, 0)
  }
})

test('mqshutdown says that nothing runs, with exit code 1, also when a killed server left its note', async () => {
  using home = new Home()
  const nothing = { exitCode: 1, out: '', errors: 'No mqbroker running.\n' }
  deepEqual(await runToEnd('mqshutdown', ['broker'], home.path), nothing)
  equal(existsSync(home.at('run')), false)
  deepEqual(await runToEnd('mqshutdown', ['namesrv'], home.path), { ...nothing, errors: 'No mqnamesrv running.\n' })
  {
    await using run = new CliRun('mqbroker', ['-c', await brokerFile(home, 'a')], home.path)
    await run.ready()
    await run.process.kill()
  }
  equal(notes(home).length, 1)
  deepEqual(await runToEnd('mqshutdown', ['broker'], home.path), nothing)
  deepEqual(notes(home), [])
})

test('mqshutdown never asks a process that is no server of ours, whatever a note says', async () => {
  using home = new Home()
  mkdirSync(home.at('run', 'apogeemq'), { recursive: true })
  for (const note of [`broker-${process.pid}`, 'broker-1', 'broker-0', 'broker--1', 'broker-x', 'other']) {
    writeFileSync(home.at('run', 'apogeemq', note), '')
  }
  let asked = false
  const onSignal = () => {
    asked = true
  }
  process.once('SIGTERM', onSignal)
  const end = await runToEnd('mqshutdown', ['broker'], home.path)
  process.off('SIGTERM', onSignal)
  deepEqual(end, { exitCode: 1, out: '', errors: 'No mqbroker running.\n' })
  ok(!asked)
})
