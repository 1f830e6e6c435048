import { command } from '../command.ts'

/** 318: changes settings of a running name server; the body is properties text. */
export const updateNamesrvConfig = command({
  code: 318,
  name: 'UPDATE_NAMESRV_CONFIG',
})
