import { withoutRestart } from './support/semantics/all.ts'
import { DELAY_LEVELS } from './support/semantics/delivery.ts'
import { describeSemantics } from './support/semantics/run.ts'
import { TRANSACTION_SETTINGS } from './support/semantics/transactions.ts'

describeSemantics('broker semantics as Java clients see them', {
  versions: ['4.9.8', '5.3.3'],
  scenarios: withoutRestart,
  properties: {
    messageDelayLevel: DELAY_LEVELS,
    ...TRANSACTION_SETTINGS,
    enablePropertyFilter: 'true',
    traceTopicEnable: 'true',
    recallMessageEnable: 'true',
  },
  admin: true,
})
