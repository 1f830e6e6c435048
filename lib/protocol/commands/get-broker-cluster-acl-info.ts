import { command, optional, string } from '../command.ts'

/** 52: version of the 4.9 access control files. */
export const getBrokerClusterAclInfo = command({
  code: 52,
  name: 'GET_BROKER_CLUSTER_ACL_INFO',
  response: {
    version: string,
    allAclFileVersion: optional(string),
    brokerName: string,
    brokerAddr: string,
    clusterName: string,
  },
})
