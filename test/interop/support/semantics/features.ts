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
  timers: there,
} satisfies Readonly<Record<string, string | undefined>>

export type Feature = keyof typeof ourFeatures

/** `java` is 4.9.7; `java5`, 5.3.3, proves in a self-check what 4.9.7 has not. */
export type BrokerSort = 'java' | 'java5' | 'ours'

/** Why a scenario cannot run at a broker, or undefined. */
export const missing = (broker: BrokerSort, needs: readonly Feature[]): string | undefined => {
  const reasons: Readonly<Record<Feature, string | undefined>> = ourFeatures
  return broker === 'ours' ? needs.map((need) => reasons[need]).find((reason) => reason !== undefined) : undefined
}
