import { command } from '../command.ts'

/** 54: reads the 4.9 access control; answered up to 4.9.7. */
export const getBrokerClusterAclConfig = command({
  code: 54,
  name: 'GET_BROKER_CLUSTER_ACL_CONFIG',
})
