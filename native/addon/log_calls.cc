#include "addon/log_calls.h"

#include <napi.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "addon/store_call.h"

namespace apogee::addon {
namespace {

constexpr size_t kMaxTopicNameBytes = 1024;
constexpr size_t kMaxKeyBytes = 65536;
constexpr int64_t kMaxQueryCount = 65536;

struct KeyQuery {
  std::string topic;
  std::string key;
  int32_t max_count = 0;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

// (id, topic, key, maxCount, beginMs, endMs)
bool ReadKeyQuery(StoreCall& call, KeyQuery* query) {
  Arguments& arguments = call.arguments();
  int64_t max_count = 0;
  if (!call.IsOpen() || !arguments.String(1, "topic", kMaxTopicNameBytes, &query->topic) ||
      !arguments.String(2, "key", kMaxKeyBytes, &query->key) ||
      !arguments.Integer(3, "maxCount", 0, kMaxQueryCount, &max_count) ||
      !arguments.Integer(4, "beginMs", -kMaxSafeInteger, kMaxSafeInteger, &query->begin_ms) ||
      !arguments.Integer(5, "endMs", -kMaxSafeInteger, kMaxSafeInteger, &query->end_ms)) {
    return false;
  }
  query->max_count = static_cast<int32_t>(max_count);
  return true;
}

}  // namespace

napi_value EarliestStoreTime(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  return call.IsOpen() ? call.Number(call.store().EarliestStoreTime()) : call.Refuse();
}

napi_value MinPhysicalOffset(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  return call.IsOpen() ? call.Number(call.store().min_physical_offset().value) : call.Refuse();
}

napi_value ReadRecord(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  PhysicalOffset offset;
  if (!call.IsOpen() ||
      !call.arguments().Integer(1, "physicalOffset", 0, kMaxSafeInteger, &offset.value)) {
    return call.Refuse();
  }
  std::vector<uint8_t> record;
  const Status read = call.store().ReadRecord(offset, &record);
  if (read.code() == StatusCode::kNotFound) return nullptr;
  if (!read.ok()) return call.Fail(read);
  return Napi::Buffer<uint8_t>::Copy(env, record.data(), record.size());
}

napi_value ReadLog(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 5);
  Arguments& arguments = call.arguments();
  PhysicalOffset from;
  std::span<uint8_t> into;
  int64_t start = 0;
  int64_t max_bytes = 0;
  if (!call.IsOpen() || !arguments.Integer(1, "fromOffset", 0, kMaxSafeInteger, &from.value) ||
      !arguments.Bytes(2, "into", &into) ||
      !arguments.Integer(3, "intoStart", 0, static_cast<int64_t>(into.size()), &start) ||
      !arguments.Integer(4, "maxBytes", 0, UINT32_MAX, &max_bytes)) {
    return call.Refuse();
  }
  into = into.subspan(static_cast<size_t>(start));
  into = into.first(std::min(into.size(), static_cast<size_t>(max_bytes)));
  size_t count = 0;
  const Status read = call.store().ReadLog(from, into, &count);
  return read.ok() ? call.Number(static_cast<int64_t>(count)) : call.Fail(read);
}

napi_value ReadLogAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 3);
  Arguments& arguments = call.arguments();
  PhysicalOffset from;
  int64_t max_bytes = 0;
  if (!call.IsOpen() || !arguments.Integer(1, "fromOffset", 0, kMaxSafeInteger, &from.value) ||
      !arguments.Integer(2, "maxBytes", 0, UINT32_MAX, &max_bytes)) {
    return call.Refuse();
  }
  return call.Ticket(call.store().ReadLogAhead(call.session()->NextTicket(), from,
                                               static_cast<size_t>(max_bytes)));
}

napi_value TakeLogDamage(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  const std::vector<DamagedRange> ranges = call.store().TakeDamage();
  Napi::Array array = Napi::Array::New(env, ranges.size());
  for (uint32_t i = 0; i < ranges.size(); i++) {
    Napi::HandleScope scope(env);
    Napi::Object range = Napi::Object::New(env);
    range.Set("fromOffset", static_cast<double>(ranges[i].from.value));
    range.Set("toOffset", static_cast<double>(ranges[i].to.value));
    range.Set("reason", ranges[i].reason);
    array.Set(i, range);
  }
  return array;
}

napi_value QueryAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 6);
  KeyQuery query;
  if (!ReadKeyQuery(call, &query)) return call.Refuse();
  return call.Ticket(call.store().QueryAhead(call.session()->NextTicket(), query.topic, query.key,
                                             query.max_count, query.begin_ms, query.end_ms));
}

napi_value QueryByKey(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 6);
  KeyQuery query;
  if (!ReadKeyQuery(call, &query)) return call.Refuse();
  const QueryResult found = call.store().QueryByKey(query.topic, query.key, query.max_count,
                                                    query.begin_ms, query.end_ms);
  Napi::Array offsets = Napi::Array::New(env, found.offsets.size());
  for (uint32_t i = 0; i < found.offsets.size(); i++) {
    Napi::HandleScope scope(env);
    offsets.Set(i, static_cast<double>(found.offsets[i].value));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("physicalOffsets", offsets);
  result.Set("indexLastUpdateTimestampMs", static_cast<double>(found.index_last_update_time_ms));
  result.Set("indexLastUpdatePhysicalOffset",
             static_cast<double>(found.index_last_update_physical_offset));
  return result;
}

}  // namespace apogee::addon
