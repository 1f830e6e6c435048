import { ourPair } from './support/pairs.ts'
import { describeScenarios } from './support/scenario.ts'
import { sqlScenarios } from './support/sql-scenarios.ts'

describeScenarios(ourPair, ['4.9.8', '5.3.3'], sqlScenarios, { enablePropertyFilter: 'true' })
