#pragma once

#include <node_api.h>

namespace apogee::addon {

// topic(id, name): the handle of a valid topic name.
napi_value Topic(napi_env env, napi_callback_info info);
// watch(id, topic, queueId, beyondQueueOffset)
napi_value Watch(napi_env env, napi_callback_info info);
napi_value SetHurry(napi_env env, napi_callback_info info);
// takeArrivals(id, topics, queueIds): fills both and returns how many.
napi_value TakeArrivals(napi_env env, napi_callback_info info);
// bounds(id, topic, queueId, cells): false when there is no such queue; cells: min, max.
napi_value Bounds(napi_env env, napi_callback_info info);
// offsetByTime(id, topic, queueId, timestampMs)
napi_value OffsetByTime(napi_env env, napi_callback_info info);
// storeTimeAt(id, topic, queueId, queueOffset)
napi_value StoreTimeAt(napi_env env, napi_callback_info info);
// offsetByTimeAhead(id, topic, queueId, timestampMs): a ticket, -1 when refused
napi_value OffsetByTimeAhead(napi_env env, napi_callback_info info);
// storeTimesAhead(id, topic, places): the same; places: queueId and queueOffset in turn
napi_value StoreTimesAhead(napi_env env, napi_callback_info info);
// removeTopic(id, name): the ticket of a retention result.
napi_value RemoveTopic(napi_env env, napi_callback_info info);
// queueEntries(id, topic, queueId, from, count): { physicalOffset, sizeBytes, tagsCode }[]
napi_value ReadQueueEntries(napi_env env, napi_callback_info info);
// queues(id): { topic, queueId }[]
napi_value Queues(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
