import { type Handler, handler, ResponseError } from '../../net/handler.ts'
import { deleteAclConfig } from '../../protocol/commands/delete-acl-config.ts'
import { getBrokerClusterAclInfo } from '../../protocol/commands/get-broker-cluster-acl-info.ts'
import { updateAndCreateAclConfig } from '../../protocol/commands/update-and-create-acl-config.ts'
import { updateGlobalWhiteAddrsConfig } from '../../protocol/commands/update-global-white-addrs-config.ts'
import type { ResponseCodeName } from '../../protocol/response-codes.ts'

const refuse = (code: ResponseCodeName): never => {
  throw new ResponseError(code, 'access control is off: aclEnable=false')
}

/** Changes of access control on a broker that has none: codes 50 to 53, refused with Java's codes. */
export const aclOffHandlers = (): Handler[] => [
  handler(updateAndCreateAclConfig, () => refuse('UPDATE_AND_CREATE_ACL_CONFIG_FAILED')),
  handler(deleteAclConfig, () => refuse('DELETE_ACL_CONFIG_FAILED')),
  handler(getBrokerClusterAclInfo, () => refuse('SYSTEM_ERROR')),
  handler(updateGlobalWhiteAddrsConfig, () => refuse('UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED')),
]
