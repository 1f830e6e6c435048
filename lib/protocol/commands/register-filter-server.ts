import { command, int64, string } from '../command.ts'

/** 301: a filter server tells its broker, every 10 s, where consumers that filter by class find it. */
export const registerFilterServer = command({
  code: 301,
  name: 'REGISTER_FILTER_SERVER',
  request: { filterServerAddr: string },
  response: { brokerName: string, brokerId: int64 },
})
