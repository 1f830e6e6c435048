import { command } from '../command.ts'
import { pulledFields, pullFields } from '../pull-fields.ts'

/** 361: PULL_MESSAGE as the lite pull consumer of 5.x sends it. */
export const litePullMessage = command({
  code: 361,
  name: 'LITE_PULL_MESSAGE',
  request: pullFields,
  response: pulledFields,
})
