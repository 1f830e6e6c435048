// A broker of its own process for bench:timer, on the compiled code: what a loader adds would be measured with it.
import { readFileSync } from 'node:fs'
import { startBroker } from '../../dist/broker/broker.js'
import { parseBrokerConfig } from '../../dist/broker/config/broker-config.js'

const [rootDir] = process.argv.slice(2)
const properties = new Map([
  ['storePathRootDir', rootDir],
  ['brokerIP1', '127.0.0.1'],
  ['listenPort', '0'],
  ['messageIndexEnable', 'false'],
])
const logger = {
  debug() {},
  info(fields, text) {
    if (text === 'timers are read') process.send({ read: fields.pending })
  },
  warn(fields, text) {
    console.error(text, fields)
  },
  error(fields, text) {
    console.error(text, fields)
  },
  child: () => logger,
}

const anonymousBytes = () => {
  globalThis.gc()
  const [, kib = '0'] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kib) * 1024
}

const broker = await startBroker(parseBrokerConfig(properties).config, { listenHost: '127.0.0.1', logger })
process.on('message', (order) => {
  if (order === 'stop') void broker.stop().then(() => process.disconnect())
  else {
    const { user, system } = process.cpuUsage()
    process.send({ cpuMicros: user + system, anonymousBytes: order === 'memory' ? anonymousBytes() : 0 })
  }
})
process.send({ port: broker.port })
