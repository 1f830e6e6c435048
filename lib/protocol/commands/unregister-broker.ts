import { command, int64, string } from '../command.ts'

/** 104: takes a broker out of a name server. */
export const unregisterBroker = command({
  code: 104,
  name: 'UNREGISTER_BROKER',
  request: { brokerName: string, brokerAddr: string, clusterName: string, brokerId: int64 },
})
