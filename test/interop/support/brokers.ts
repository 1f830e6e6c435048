import { type JavaBrokerOptions, startJavaBroker } from '../../support/java-peers.ts'
import { startOurBroker } from '../../support/our-peers.ts'
import type { Peer } from '../../support/peer-process.ts'
import { isSelfCheck, PATIENT_BROKER } from './pairs.ts'

/** Starts one broker on a store directory. */
export type StartBroker = (
  options: Pick<JavaBrokerOptions, 'namesrvAddress' | 'port' | 'storeDir' | 'properties'>,
) => Promise<Peer & { readonly storeDir: string }>

const patient =
  (start: StartBroker): StartBroker =>
  (options) =>
    start({ ...options, properties: { ...PATIENT_BROKER, ...options.properties } })

export const javaBroker: StartBroker = patient(startJavaBroker)

/** Our broker; Java's in a self-check. */
export const brokerUnderTest: StartBroker = isSelfCheck ? javaBroker : patient(startOurBroker)
