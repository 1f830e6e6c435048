import { acrossRestart } from './support/semantics/all.ts'
import { DELAY_LEVELS } from './support/semantics/delivery.ts'
import { describeSemantics } from './support/semantics/run.ts'
import { TRANSACTION_SETTINGS } from './support/semantics/transactions.ts'

describeSemantics('what a broker promised it keeps after a restart', {
  versions: ['4.9.8', '5.3.3'],
  scenarios: acrossRestart,
  // Rounds of checks go on and count while producers look for the broker again: no limit that could matter.
  properties: { messageDelayLevel: DELAY_LEVELS, ...TRANSACTION_SETTINGS, transactionCheckMax: '1000' },
  restarts: true,
})
