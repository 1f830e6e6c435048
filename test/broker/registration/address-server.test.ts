import { deepEqual, equal, match } from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../../lib/base/logging.ts'
import { addressServerUrl, nameServerAddresses } from '../../../lib/broker/config/name-server-addresses.ts'
import { AddressServer } from '../../../lib/broker/registration/address-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { waitFor } from '../../support/wait-for.ts'
import { atEnd } from '../support/fixtures.ts'

const startHttp = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/rocketmq/nsaddr`
}

/** An asker, what it was told and its warnings. */
const asking = (t: TestContext, url: string) => {
  const clock = new ManualClock()
  const told: string[] = []
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: unknown, message: string) => void warnings.push(message) }
  const asker = new AddressServer({ url, clock, logger, onAddresses: (addresses) => told.push(addresses.join(';')) })
  atEnd(t, () => asker.stop())
  return { asker, clock, told, warnings }
}

test('it is asked at the start, 10 s later and every two minutes, and changes are told', async (t) => {
  let answer = '10.0.0.1:9876;10.0.0.2:9876\n'
  let asked = 0
  const url = await startHttp(t, (request, response) => {
    asked += 1
    equal(request.url, '/rocketmq/nsaddr')
    response.end(answer)
  })
  const { asker, clock, told, warnings } = asking(t, url)
  await asker.start()
  deepEqual([asked, told], [1, ['10.0.0.1:9876;10.0.0.2:9876']])
  clock.advance(10_000)
  await asker.ask()
  answer = ' 10.0.0.3:9876 \r\nsecond line'
  clock.advance(119_999)
  equal(asked, 2)
  clock.advance(1)
  await asker.ask()
  deepEqual([asked, told.slice(1), warnings], [3, ['10.0.0.3:9876'], []])
})

test('an answer that is no list of name servers changes nothing and is warned of', async (t) => {
  let respond: RequestListener = (_, response) => response.end('10.0.0.1:9876')
  const url = await startHttp(t, (request, response) => respond(request, response))
  const { asker, told, warnings } = asking(t, url)
  await asker.start()
  for (const [next, words] of [
    [(_, response) => response.writeHead(500).end('10.0.0.9:9876'), /its answer is 500/],
    [(_, response) => response.end('<html>login</html>'), /<html>login<\/html> is no host:port/],
    [(_, response) => response.end(`10.0.0.9:9876;${'x'.repeat(70_000)}`), /more than 65536 bytes/],
    [(request) => request.socket.destroy(), /ADDRESS|closed|socket|reset|hang up/i],
  ] as [RequestListener, RegExp][]) {
    respond = next
    await asker.ask()
    match(warnings.at(-1) ?? '', words)
  }
  respond = (_, response) => response.end('\n')
  await asker.ask()
  deepEqual([told, warnings.length], [['10.0.0.1:9876'], 4])
})

test('nobody there, and somebody who says nothing, hold nothing up for longer than 3 s', async (t) => {
  const absent = asking(t, `http://127.0.0.1:${await freePort()}/rocketmq/nsaddr`)
  await absent.asker.start()
  match(absent.warnings.join(), /ECONNREFUSED/)
  let asked = 0
  const url = await startHttp(t, () => {
    asked += 1
  })
  const silent = asking(t, url)
  const started = silent.asker.start()
  await waitFor('the request', () => asked === 1)
  silent.clock.advance(3_000)
  await started
  match(silent.warnings.join(), /no answer in 3000 ms/)
})

test('a stop ends a request under way', async (t) => {
  let asked = 0
  const url = await startHttp(t, () => {
    asked += 1
  })
  const { asker } = asking(t, url)
  const started = asker.start()
  await waitFor('the request', () => asked === 1)
  await asker.stop()
  await started
})

test('the URL is formed as by Java', () => {
  equal(addressServerUrl(undefined, undefined), 'http://jmenv.tbsite.net:8080/rocketmq/nsaddr')
  equal(addressServerUrl('ns.example.com', 'test'), 'http://ns.example.com:8080/rocketmq/test')
  equal(addressServerUrl('10.0.0.1:80', undefined), 'http://10.0.0.1:80/rocketmq/nsaddr')
})

test('lists of name servers keep their order, each once', () => {
  deepEqual(nameServerAddresses('x', ' b:1;a:2;;b:1; '), ['b:1', 'a:2'])
})
