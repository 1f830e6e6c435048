import { command } from '../command.ts'

/** 46: would this subscription be taken? Asked for other expression types than TAG. */
export const checkClientConfig = command({
  code: 46,
  name: 'CHECK_CLIENT_CONFIG',
})
