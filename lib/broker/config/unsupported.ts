import type { ConfigValues } from './config-values.ts'

/** Settings that ask for something this broker does not have. */
export interface Unsupported {
  /** It must not start: what was asked for would silently not hold. */
  readonly refused: readonly string[]
  /** It starts without them. */
  readonly ignored: readonly string[]
}

/** What a configuration asks for in vain, one sentence each. */
export const unsupportedSettings = ({ broker, store }: ConfigValues): Unsupported => {
  const refused: [boolean, string][] = [
    [broker.aclEnable, 'aclEnable=true: requests cannot be authenticated yet'],
    [store.brokerRole === 'SLAVE', 'brokerRole=SLAVE: this broker can be a master only'],
    [store.enableDLegerCommitLog, 'enableDLegerCommitLog=true: there is no DLedger log'],
    [(store.storePathCommitLog ?? '').includes(','), 'storePathCommitLog: only one directory is possible'],
    [(store.readOnlyCommitLogStorePaths ?? '') !== '', 'readOnlyCommitLogStorePaths: only one directory is possible'],
  ]
  const ignored: [boolean, string][] = [
    [
      broker.enableCalcFilterBitMap && !store.enableConsumeQueueExt,
      'enableCalcFilterBitMap: bit maps stand in extension files, and enableConsumeQueueExt is off',
    ],
    [
      store.transientStorePoolEnable && store.flushDiskType !== 'ASYNC_FLUSH',
      'transientStorePoolEnable: the pool is for ASYNC_FLUSH only',
    ],
  ]
  const chosen = (rows: readonly [boolean, string][]): string[] =>
    rows.filter(([holds]) => holds).map(([, text]) => text)
  return { refused: chosen(refused), ignored: chosen(ignored) }
}
