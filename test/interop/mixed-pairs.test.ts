import { crossingScenarios } from './support/all-scenarios.ts'
import { javaBrokerWithOurNameServer, ourBrokerWithJavaNameServer } from './support/pairs.ts'
import { describeScenarios } from './support/scenario.ts'

describeScenarios(ourBrokerWithJavaNameServer, ['4.9.8', '5.3.3'], crossingScenarios)
describeScenarios(javaBrokerWithOurNameServer, ['4.9.8', '5.3.3'], crossingScenarios)
