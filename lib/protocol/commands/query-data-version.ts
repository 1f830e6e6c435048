import { bool, command, int64, string } from '../command.ts'

/**
 * 322: does the name server have this version of the topics of a broker? Body and body of the answer are a
 * DataVersion.
 */
export const queryDataVersion = command({
  code: 322,
  name: 'QUERY_DATA_VERSION',
  request: { brokerName: string, brokerAddr: string, clusterName: string, brokerId: int64 },
  response: { changed: bool },
})
