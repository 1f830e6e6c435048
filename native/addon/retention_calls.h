#pragma once

#include <node_api.h>

namespace apogee::addon {

// retention(id): an object like lib/store's RetentionStats.
napi_value ReadRetention(napi_env env, napi_callback_info info);
// setRetention(id, options)
napi_value SetRetention(napi_env env, napi_callback_info info);
// requestRetention(id, kind, physicalOffset, topic, timeMs, bytes): the ticket. `kind` in the order
// of RetentionRequest::Kind; what a kind has no use for is 0 or empty.
napi_value RequestRetention(napi_env env, napi_callback_info info);
// takeRetentionResults(id): { ticket, deletedSegments, error } each.
napi_value TakeRetentionResults(napi_env env, napi_callback_info info);
// topicRetentions(id): { topic, timeMs, bytes } each.
napi_value TopicRetentions(napi_env env, napi_callback_info info);

}  // namespace apogee::addon
