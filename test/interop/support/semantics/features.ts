/** Nothing missing. */
const there = undefined

/**
 * What the broker under test must have for a scenario, and for what ours has not yet: the reason why the scenarios that
 * need it are skipped. Change a reason to `there` when the feature lands.
 */
const ourFeatures = {
  broadcasting: there,
  orderly: there,
  tags: there,
  litePull: there,
  litePullOf5x: there,
  permissions: there,
  connections: there,
  retry: there,
  deadLetters: there,
  delayLevels: there,
  transactions: there,
  sqlFilter: there,
  resetOffset: there,
  clientRoundTrips: there,
  cloneOffset: there,
  consumeStats: there,
  requestReply: there,
  trace: there,
  timers: 'arbitrary delivery times of 5.x clients and RECALL_MESSAGE (370) are not there yet',
} satisfies Readonly<Record<string, string | undefined>>

export type Feature = keyof typeof ourFeatures

/** Java 4.9.7 has everything that is older than 5.0. */
const javaLacks: Partial<Record<Feature, string>> = {
  litePullOf5x: 'the Java broker 4.9.7 does not know LITE_PULL_MESSAGE (361), with which 5.x clients pull',
}

export type BrokerSort = 'java' | 'ours'

/** Why a scenario cannot run at a broker, or undefined. */
export const missing = (broker: BrokerSort, needs: readonly Feature[]): string | undefined => {
  const reasons: Readonly<Partial<Record<Feature, string | undefined>>> = broker === 'java' ? javaLacks : ourFeatures
  for (const need of needs) if (reasons[need] !== undefined) return reasons[need]
  return undefined
}
