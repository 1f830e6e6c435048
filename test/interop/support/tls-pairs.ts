import { startJavaBroker, startJavaNameServer } from '../../support/java-peers.ts'
import { startOurBroker, startOurNameServer, startOurPair } from '../../support/our-peers.ts'
import { freeBrokerPort, freePort } from '../../support/ports.ts'
import { tlsOnlyAddresses } from '../../support/raw-client.ts'
import { PATIENT_BROKER, type PairKind } from './pairs.ts'

const ENFORCING = { 'tls.server.mode': 'enforcing' }

/** Addresses that take nothing but TLS from the start: whether servers are ready is asked there with it. */
const tlsPorts = async (): Promise<{ namesrvPort: number; brokerPort: number }> => {
  const ports = { namesrvPort: await freePort(), brokerPort: await freeBrokerPort() }
  for (const port of Object.values(ports)) tlsOnlyAddresses.add(`127.0.0.1:${port}`)
  return ports
}

/** Java's name server and broker, neither of which takes a plain connection; each with its self-signed certificate. */
export const javaTlsPair: PairKind = {
  name: 'Java name server 4.9.7 and Java broker 4.9.7, TLS only',
  async start(properties = {}) {
    const namesrv = await startJavaNameServer({ tlsOnly: true })
    const broker = await startJavaBroker({
      namesrvAddress: namesrv.address,
      properties: { ...PATIENT_BROKER, ...properties },
      tlsOnly: true,
    })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      async stop() {
        await broker.kill()
        await namesrv.kill()
      },
    }
  },
}

export const ourTlsPair: PairKind = {
  name: 'our name server and our broker, TLS only',
  javaForm: javaTlsPair,
  async start(properties = {}) {
    return startOurPair({ ...(await tlsPorts()), properties: { ...PATIENT_BROKER, ...properties, ...ENFORCING } })
  },
}

export const ourTlsBrokerWithJavaNameServer: PairKind = {
  name: 'Java name server 4.9.7 and our broker, TLS only',
  javaForm: javaTlsPair,
  async start(properties = {}) {
    const { brokerPort: port } = await tlsPorts()
    const namesrv = await startJavaNameServer({ tlsOnly: true })
    const broker = await startOurBroker({
      namesrvAddress: namesrv.address,
      port,
      properties: { ...PATIENT_BROKER, ...properties, ...ENFORCING },
    })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      async stop() {
        await broker.stop()
        await namesrv.kill()
      },
    }
  },
}

export const javaTlsBrokerWithOurNameServer: PairKind = {
  name: 'our name server and Java broker 4.9.7, TLS only',
  javaForm: javaTlsPair,
  async start(properties = {}) {
    const { namesrvPort: port } = await tlsPorts()
    const namesrv = await startOurNameServer({ port, properties: ENFORCING })
    const broker = await startJavaBroker({
      namesrvAddress: namesrv.address,
      properties: { ...PATIENT_BROKER, ...properties },
      tlsOnly: true,
    })
    return {
      namesrvAddress: namesrv.address,
      brokerAddress: broker.address,
      async stop() {
        await broker.kill()
        await namesrv.stop()
      },
    }
  },
}
