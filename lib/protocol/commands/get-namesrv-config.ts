import { command } from '../command.ts'

/** 319: settings of a name server: properties text in the body of the answer. */
export const getNamesrvConfig = command({
  code: 319,
  name: 'GET_NAMESRV_CONFIG',
})
