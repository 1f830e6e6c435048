import { allScenarios } from './support/all-scenarios.ts'
import { ourPair } from './support/pairs.ts'
import { describeScenarios } from './support/scenario.ts'

describeScenarios(ourPair, ['4.9.8', '5.3.3'], allScenarios)
