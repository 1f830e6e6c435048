import { command } from '../command.ts'
import { pulledFields, pullFields } from '../pull-fields.ts'

/** 11: takes messages of one queue from `queueOffset` on. */
export const pullMessage = command({
  code: 11,
  name: 'PULL_MESSAGE',
  request: pullFields,
  response: pulledFields,
})
