import { command, string } from '../command.ts'

/** 219: a whole name server namespace: a KVTable in the body of the answer. */
export const getKvListByNamespace = command({
  code: 219,
  name: 'GET_KVLIST_BY_NAMESPACE',
  request: { namespace: string },
})
