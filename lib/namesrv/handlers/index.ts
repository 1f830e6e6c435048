import type { Handler } from '../../net/handler.ts'
import type { KvConfig } from '../kv-config.ts'
import type { NamesrvConfig } from '../namesrv-config.ts'
import type { RouteTables } from '../route-tables.ts'
import { addWritePermOfBrokerHandler } from './add-write-perm-of-broker.ts'
import { deleteKvConfigHandler } from './delete-kv-config.ts'
import { deleteTopicInNamesrvHandler } from './delete-topic-in-namesrv.ts'
import { getAllTopicListFromNameserverHandler } from './get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterInfoHandler } from './get-broker-cluster-info.ts'
import { getHasUnitSubTopicListHandler } from './get-has-unit-sub-topic-list.ts'
import { getHasUnitSubUnunitTopicListHandler } from './get-has-unit-sub-ununit-topic-list.ts'
import { getKvConfigHandler } from './get-kv-config.ts'
import { getKvListByNamespaceHandler } from './get-kv-list-by-namespace.ts'
import { getNamesrvConfigHandler } from './get-namesrv-config.ts'
import { getRouteInfoByTopicHandler } from './get-route-info-by-topic.ts'
import { getSystemTopicListFromNsHandler } from './get-system-topic-list-from-ns.ts'
import { getTopicsByClusterHandler } from './get-topics-by-cluster.ts'
import { getUnitTopicListHandler } from './get-unit-topic-list.ts'
import { putKvConfigHandler } from './put-kv-config.ts'
import { queryDataVersionHandler } from './query-data-version.ts'
import { registerBrokerHandler } from './register-broker.ts'
import { unregisterBrokerHandler } from './unregister-broker.ts'
import { updateNamesrvConfigHandler } from './update-namesrv-config.ts'
import { wipeWritePermOfBrokerHandler } from './wipe-write-perm-of-broker.ts'

/** What the handlers of a name server work on. */
export interface NamesrvParts {
  readonly routes: RouteTables
  readonly kvConfig: KvConfig
  readonly config: NamesrvConfig
}

/** Every request code that the 4.9.8 name server answers. */
export const namesrvHandlers = ({ routes, kvConfig, config }: NamesrvParts): readonly Handler[] => [
  addWritePermOfBrokerHandler(routes),
  deleteKvConfigHandler(kvConfig),
  deleteTopicInNamesrvHandler(routes),
  getAllTopicListFromNameserverHandler(routes),
  getBrokerClusterInfoHandler(routes),
  getHasUnitSubTopicListHandler(routes),
  getHasUnitSubUnunitTopicListHandler(routes),
  getKvConfigHandler(kvConfig),
  getKvListByNamespaceHandler(kvConfig),
  getNamesrvConfigHandler(config),
  getRouteInfoByTopicHandler(routes, kvConfig, config),
  getSystemTopicListFromNsHandler(routes),
  getTopicsByClusterHandler(routes),
  getUnitTopicListHandler(routes),
  putKvConfigHandler(kvConfig),
  queryDataVersionHandler(routes),
  registerBrokerHandler(routes, kvConfig),
  unregisterBrokerHandler(routes),
  updateNamesrvConfigHandler(config),
  wipeWritePermOfBrokerHandler(routes),
]
