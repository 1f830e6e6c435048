#include "addon/retention_calls.h"

#include <napi.h>

#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/store_call.h"
#include "addon/store_options.h"

namespace apogee::addon {
namespace {

constexpr size_t kMaxNameBytes = 1024;  // the engine's own limit is lower; this one bounds the copy
constexpr int64_t kLastKind = static_cast<int64_t>(RetentionRequest::Kind::kSetTopic);

}  // namespace

napi_value ReadRetention(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  const RetentionStats stats = call.store().retention();
  Napi::Object result = Napi::Object::New(env);
  result.Set("deletedSegments", static_cast<double>(stats.deleted_segments));
  result.Set("deletedBytes", static_cast<double>(stats.deleted_bytes));
  result.Set("lastDeleteMs", static_cast<double>(stats.last_delete_ms));
  result.Set("logUsedRatio", stats.log_used_ratio);
  result.Set("rootUsedRatio", stats.root_used_ratio);
  result.Set("freeBytes", static_cast<double>(stats.free_bytes));
  result.Set("refusal", stats.refusal);
  result.Set("verifiedTimeMs", static_cast<double>(stats.verified_ms));
  result.Set("clockAheadMs", static_cast<double>(stats.clock_ahead_ms));
  result.Set("clockDoubt", stats.clock_doubt);
  result.Set("problem", stats.problem);
  return result;
}

napi_value SetRetention(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  if (!call.IsOpen()) return call.Refuse();
  const Napi::CallbackInfo arguments(env, info);
  if (!arguments[1].IsObject()) {
    call.arguments().Refuse("retention", "an object");
    return call.Refuse();
  }
  RetentionOptions options = call.store().retention_options();
  const std::string problem = ReadRetentionOptions(arguments[1].As<Napi::Object>(), &options);
  if (Napi::Env(env).IsExceptionPending()) return nullptr;  // thrown by a getter of the caller's
  if (!problem.empty()) return call.Fail(Status::Error(StatusCode::kInvalidArgument, problem));
  call.store().SetRetention(options);
  return nullptr;
}

napi_value RequestRetention(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 6);
  Arguments& arguments = call.arguments();
  RetentionRequest request;
  int64_t kind = 0;
  if (!call.IsOpen() || !arguments.Integer(1, "kind", 0, kLastKind, &kind) ||
      !arguments.Integer(2, "physicalOffset", 0, kMaxSafeInteger, &request.offset.value) ||
      !arguments.String(3, "topic", kMaxNameBytes, &request.topic) ||
      !arguments.Integer(4, "timeMs", 0, kMaxSafeInteger, &request.topic_retention.time_ms) ||
      !arguments.Integer(5, "bytes", 0, kMaxSafeInteger, &request.topic_retention.bytes)) {
    return call.Refuse();
  }
  request.kind = static_cast<RetentionRequest::Kind>(kind);
  uint64_t ticket = 0;
  const Status requested = call.store().RequestRetention(std::move(request), &ticket);
  return requested.ok() ? call.Number(static_cast<int64_t>(ticket)) : call.Fail(requested);
}

napi_value TakeRetentionResults(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  const std::vector<RetentionResult> results = call.store().TakeRetentionResults();
  Napi::Array array = Napi::Array::New(env, results.size());
  for (uint32_t i = 0; i < results.size(); i++) {
    Napi::HandleScope scope(env);
    Napi::Object result = Napi::Object::New(env);
    result.Set("ticket", static_cast<double>(results[i].ticket));
    result.Set("deletedSegments", static_cast<double>(results[i].deleted_segments));
    if (!results[i].status.ok()) {
      result.Set("error", Napi::Value(env, call.session()->MakeError(results[i].status)));
    }
    array.Set(i, result);
  }
  return array;
}

napi_value TopicRetentions(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  Napi::Array array = Napi::Array::New(env);
  uint32_t i = 0;
  for (const auto& [topic, retention] : call.store().TopicRetentions()) {
    Napi::HandleScope scope(env);
    Napi::Object row = Napi::Object::New(env);
    row.Set("topic", topic);
    row.Set("timeMs", static_cast<double>(retention.time_ms));
    row.Set("bytes", static_cast<double>(retention.bytes));
    array.Set(i++, row);
  }
  return array;
}

}  // namespace apogee::addon
