import { command } from '../command.ts'

/** 106: brokers and clusters a name server knows: ClusterInfo in the body of the answer. */
export const getBrokerClusterInfo = command({
  code: 106,
  name: 'GET_BROKER_CLUSTER_INFO',
})
