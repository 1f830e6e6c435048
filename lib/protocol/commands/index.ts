import type { Command } from '../command.ts'
import { addWritePermOfBroker } from './add-write-perm-of-broker.ts'
import { checkClientConfig } from './check-client-config.ts'
import { checkTransactionState } from './check-transaction-state.ts'
import { cleanExpiredConsumeQueue } from './clean-expired-consume-queue.ts'
import { cleanUnusedTopic } from './clean-unused-topic.ts'
import { cloneGroupOffset } from './clone-group-offset.ts'
import { consumeMessageDirectly } from './consume-message-directly.ts'
import { consumerSendMsgBack } from './consumer-send-msg-back.ts'
import { deleteAclConfig } from './delete-acl-config.ts'
import { deleteExpiredCommitlog } from './delete-expired-commitlog.ts'
import { deleteKvConfig } from './delete-kv-config.ts'
import { deleteSubscriptionGroup } from './delete-subscription-group.ts'
import { deleteTopicInBroker } from './delete-topic-in-broker.ts'
import { deleteTopicInNamesrv } from './delete-topic-in-namesrv.ts'
import { endTransaction } from './end-transaction.ts'
import { getAllConsumerOffset } from './get-all-consumer-offset.ts'
import { getAllDelayOffset } from './get-all-delay-offset.ts'
import { getAllProducerInfo } from './get-all-producer-info.ts'
import { getAllSubscriptionGroupConfig } from './get-all-subscription-group-config.ts'
import { getAllTopicConfig } from './get-all-topic-config.ts'
import { getAllTopicListFromNameserver } from './get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterAclConfig } from './get-broker-cluster-acl-config.ts'
import { getBrokerClusterAclInfo } from './get-broker-cluster-acl-info.ts'
import { getBrokerClusterInfo } from './get-broker-cluster-info.ts'
import { getBrokerConfig } from './get-broker-config.ts'
import { getBrokerConsumeStats } from './get-broker-consume-stats.ts'
import { getBrokerRuntimeInfo } from './get-broker-runtime-info.ts'
import { getConsumeStats } from './get-consume-stats.ts'
import { getConsumerConnectionList } from './get-consumer-connection-list.ts'
import { getConsumerListByGroup } from './get-consumer-list-by-group.ts'
import { getConsumerRunningInfo } from './get-consumer-running-info.ts'
import { getConsumerStatusFromClient } from './get-consumer-status-from-client.ts'
import { getEarliestMsgStoreTime } from './get-earliest-msg-store-time.ts'
import { getHasUnitSubTopicList } from './get-has-unit-sub-topic-list.ts'
import { getHasUnitSubUnunitTopicList } from './get-has-unit-sub-ununit-topic-list.ts'
import { getKvConfig } from './get-kv-config.ts'
import { getKvListByNamespace } from './get-kv-list-by-namespace.ts'
import { getMaxOffset } from './get-max-offset.ts'
import { getMinOffset } from './get-min-offset.ts'
import { getNamesrvConfig } from './get-namesrv-config.ts'
import { getProducerConnectionList } from './get-producer-connection-list.ts'
import { getRouteInfoByTopic } from './get-route-info-by-topic.ts'
import { getSubscriptionGroupConfig } from './get-subscription-group-config.ts'
import { getSystemTopicListFromBroker } from './get-system-topic-list-from-broker.ts'
import { getSystemTopicListFromNs } from './get-system-topic-list-from-ns.ts'
import { getTopicConfig } from './get-topic-config.ts'
import { getTopicStatsInfo } from './get-topic-stats-info.ts'
import { getTopicsByCluster } from './get-topics-by-cluster.ts'
import { getUnitTopicList } from './get-unit-topic-list.ts'
import { heartBeat } from './heart-beat.ts'
import { invokeBrokerToGetConsumerStatus } from './invoke-broker-to-get-consumer-status.ts'
import { invokeBrokerToResetOffset } from './invoke-broker-to-reset-offset.ts'
import { litePullMessage } from './lite-pull-message.ts'
import { lockBatchMq } from './lock-batch-mq.ts'
import { notifyConsumerIdsChanged } from './notify-consumer-ids-changed.ts'
import { pullMessage } from './pull-message.ts'
import { pushReplyMessageToClient } from './push-reply-message-to-client.ts'
import { putKvConfig } from './put-kv-config.ts'
import { queryConsumeQueue } from './query-consume-queue.ts'
import { queryConsumeTimeSpan } from './query-consume-time-span.ts'
import { queryConsumerOffset } from './query-consumer-offset.ts'
import { queryCorrectionOffset } from './query-correction-offset.ts'
import { queryDataVersion } from './query-data-version.ts'
import { queryMessage } from './query-message.ts'
import { querySubscriptionByConsumer } from './query-subscription-by-consumer.ts'
import { queryTopicConsumeByWho } from './query-topic-consume-by-who.ts'
import { queryTopicsByConsumer } from './query-topics-by-consumer.ts'
import { recallMessage } from './recall-message.ts'
import { registerBroker } from './register-broker.ts'
import { registerFilterServer } from './register-filter-server.ts'
import { registerMessageFilterClass } from './register-message-filter-class.ts'
import { registerTopicInNamesrv } from './register-topic-in-namesrv.ts'
import { resetConsumerClientOffset } from './reset-consumer-client-offset.ts'
import { resumeCheckHalfMessage } from './resume-check-half-message.ts'
import { searchOffsetByTimestamp } from './search-offset-by-timestamp.ts'
import { sendBatchMessage } from './send-batch-message.ts'
import { sendMessage } from './send-message.ts'
import { sendMessageV2 } from './send-message-v2.ts'
import { sendReplyMessage } from './send-reply-message.ts'
import { sendReplyMessageV2 } from './send-reply-message-v2.ts'
import { unlockBatchMq } from './unlock-batch-mq.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { unregisterClient } from './unregister-client.ts'
import { updateAndCreateAclConfig } from './update-and-create-acl-config.ts'
import { updateAndCreateSubscriptionGroup } from './update-and-create-subscription-group.ts'
import { updateAndCreateSubscriptionGroupList } from './update-and-create-subscription-group-list.ts'
import { updateAndCreateTopic } from './update-and-create-topic.ts'
import { updateAndCreateTopicList } from './update-and-create-topic-list.ts'
import { updateBrokerConfig } from './update-broker-config.ts'
import { updateConsumerOffset } from './update-consumer-offset.ts'
import { updateGlobalWhiteAddrsConfig } from './update-global-white-addrs-config.ts'
import { updateNamesrvConfig } from './update-namesrv-config.ts'
import { viewBrokerStatsData } from './view-broker-stats-data.ts'
import { viewMessageById } from './view-message-by-id.ts'
import { wipeWritePermOfBroker } from './wipe-write-perm-of-broker.ts'

export {
  addWritePermOfBroker,
  checkClientConfig,
  checkTransactionState,
  cleanExpiredConsumeQueue,
  cleanUnusedTopic,
  cloneGroupOffset,
  consumeMessageDirectly,
  consumerSendMsgBack,
  deleteAclConfig,
  deleteExpiredCommitlog,
  deleteKvConfig,
  deleteSubscriptionGroup,
  deleteTopicInBroker,
  deleteTopicInNamesrv,
  endTransaction,
  getAllConsumerOffset,
  getAllDelayOffset,
  getAllProducerInfo,
  getAllSubscriptionGroupConfig,
  getAllTopicConfig,
  getAllTopicListFromNameserver,
  getBrokerClusterAclConfig,
  getBrokerClusterAclInfo,
  getBrokerClusterInfo,
  getBrokerConfig,
  getBrokerConsumeStats,
  getBrokerRuntimeInfo,
  getConsumerConnectionList,
  getConsumerListByGroup,
  getConsumerRunningInfo,
  getConsumerStatusFromClient,
  getConsumeStats,
  getEarliestMsgStoreTime,
  getHasUnitSubTopicList,
  getHasUnitSubUnunitTopicList,
  getKvConfig,
  getKvListByNamespace,
  getMaxOffset,
  getMinOffset,
  getNamesrvConfig,
  getProducerConnectionList,
  getRouteInfoByTopic,
  getSubscriptionGroupConfig,
  getSystemTopicListFromBroker,
  getSystemTopicListFromNs,
  getTopicConfig,
  getTopicStatsInfo,
  getTopicsByCluster,
  getUnitTopicList,
  heartBeat,
  invokeBrokerToGetConsumerStatus,
  invokeBrokerToResetOffset,
  litePullMessage,
  lockBatchMq,
  notifyConsumerIdsChanged,
  pullMessage,
  pushReplyMessageToClient,
  putKvConfig,
  queryConsumeQueue,
  queryConsumerOffset,
  queryConsumeTimeSpan,
  queryCorrectionOffset,
  queryDataVersion,
  queryMessage,
  querySubscriptionByConsumer,
  queryTopicConsumeByWho,
  queryTopicsByConsumer,
  recallMessage,
  registerBroker,
  registerFilterServer,
  registerMessageFilterClass,
  registerTopicInNamesrv,
  resetConsumerClientOffset,
  resumeCheckHalfMessage,
  searchOffsetByTimestamp,
  sendBatchMessage,
  sendMessage,
  sendMessageV2,
  sendReplyMessage,
  sendReplyMessageV2,
  unlockBatchMq,
  unregisterBroker,
  unregisterClient,
  updateAndCreateAclConfig,
  updateAndCreateSubscriptionGroup,
  updateAndCreateSubscriptionGroupList,
  updateAndCreateTopic,
  updateAndCreateTopicList,
  updateBrokerConfig,
  updateConsumerOffset,
  updateGlobalWhiteAddrsConfig,
  updateNamesrvConfig,
  viewBrokerStatsData,
  viewMessageById,
  wipeWritePermOfBroker,
}

/** Every command of this folder, ordered by code. Tests, fuzzers and the protocol reference page walk it. */
export const commands: readonly Command[] = [
  sendMessage,
  pullMessage,
  queryMessage,
  queryConsumerOffset,
  updateConsumerOffset,
  updateAndCreateTopic,
  updateAndCreateTopicList,
  getAllTopicConfig,
  updateBrokerConfig,
  getBrokerConfig,
  getBrokerRuntimeInfo,
  searchOffsetByTimestamp,
  getMaxOffset,
  getMinOffset,
  getEarliestMsgStoreTime,
  viewMessageById,
  heartBeat,
  unregisterClient,
  consumerSendMsgBack,
  endTransaction,
  getConsumerListByGroup,
  checkTransactionState,
  notifyConsumerIdsChanged,
  lockBatchMq,
  unlockBatchMq,
  getAllConsumerOffset,
  getAllDelayOffset,
  checkClientConfig,
  updateAndCreateAclConfig,
  deleteAclConfig,
  getBrokerClusterAclInfo,
  updateGlobalWhiteAddrsConfig,
  getBrokerClusterAclConfig,
  putKvConfig,
  getKvConfig,
  deleteKvConfig,
  registerBroker,
  unregisterBroker,
  getRouteInfoByTopic,
  getBrokerClusterInfo,
  updateAndCreateSubscriptionGroup,
  getAllSubscriptionGroupConfig,
  getTopicStatsInfo,
  getConsumerConnectionList,
  getProducerConnectionList,
  wipeWritePermOfBroker,
  getAllTopicListFromNameserver,
  deleteSubscriptionGroup,
  getConsumeStats,
  deleteTopicInBroker,
  deleteTopicInNamesrv,
  registerTopicInNamesrv,
  getKvListByNamespace,
  resetConsumerClientOffset,
  getConsumerStatusFromClient,
  invokeBrokerToResetOffset,
  invokeBrokerToGetConsumerStatus,
  getTopicsByCluster,
  updateAndCreateSubscriptionGroupList,
  queryTopicConsumeByWho,
  queryConsumeTimeSpan,
  getSystemTopicListFromNs,
  getSystemTopicListFromBroker,
  cleanExpiredConsumeQueue,
  getConsumerRunningInfo,
  queryCorrectionOffset,
  consumeMessageDirectly,
  sendMessageV2,
  getUnitTopicList,
  getHasUnitSubTopicList,
  getHasUnitSubUnunitTopicList,
  cloneGroupOffset,
  viewBrokerStatsData,
  cleanUnusedTopic,
  getBrokerConsumeStats,
  updateNamesrvConfig,
  getNamesrvConfig,
  sendBatchMessage,
  queryConsumeQueue,
  queryDataVersion,
  resumeCheckHalfMessage,
  sendReplyMessage,
  sendReplyMessageV2,
  pushReplyMessageToClient,
  addWritePermOfBroker,
  getAllProducerInfo,
  deleteExpiredCommitlog,
  queryTopicsByConsumer,
  querySubscriptionByConsumer,
  getTopicConfig,
  getSubscriptionGroupConfig,
  litePullMessage,
  recallMessage,
]

const byCode = new Map(commands.map((entry) => [entry.code, entry]))

/** The command with a request code; undefined when this folder has none. */
export const commandOf = (code: number): Command | undefined => byCode.get(code)
