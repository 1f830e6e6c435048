#include "addon/queue_calls.h"

#include <napi.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/store_call.h"

namespace apogee::addon {
namespace {

constexpr size_t kMaxNameBytes = 1024;  // the engine's own limit is lower; this one bounds the copy

napi_value Boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

constexpr int64_t kMaxEntries = 4096;

// The arguments of offsetByTime, and whether the store is open.
bool ReadTimeQuestion(StoreCall& call, TopicHandle* topic, int32_t* queue_id,
                      int64_t* timestamp_ms) {
  return call.IsOpen() && call.Queue(1, topic, queue_id) &&
         call.arguments().Integer(3, "timestampMs", -kMaxSafeInteger, kMaxSafeInteger,
                                  timestamp_ms);
}

}  // namespace

napi_value Topic(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::string name;
  if (!call.IsOpen() || !call.arguments().String(1, "topic", kMaxNameBytes, &name))
    return call.Refuse();
  TopicHandle handle;
  const Status interned = call.store().Intern(name, &handle);
  if (!interned.ok()) return call.Fail(interned);
  call.session()->NoteHandle(handle);
  return call.Number(handle.value);
}

napi_value Watch(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  TopicHandle topic;
  int32_t queue_id = 0;
  QueueOffset beyond;
  if (!call.IsOpen() || !call.Queue(1, &topic, &queue_id) ||
      !call.arguments().Integer(3, "beyondQueueOffset", -kMaxSafeInteger, kMaxSafeInteger,
                                &beyond.value)) {
    return call.Refuse();
  }
  call.store().Watch(topic, queue_id, beyond);
  return nullptr;
}

napi_value SetHurry(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  bool hurry = false;
  if (!call.IsOpen() || !call.arguments().Boolean(1, "hurry", &hurry)) return call.Refuse();
  call.store().SetHurry(hurry);
  return nullptr;
}

napi_value TakeArrivals(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 3);
  std::span<int32_t> topics;
  std::span<int32_t> queue_ids;
  if (!call.IsOpen() || !call.arguments().Int32s(1, "topics", &topics) ||
      !call.arguments().Int32s(2, "queueIds", &queue_ids)) {
    return call.Refuse();
  }
  const size_t room = std::min(topics.size(), queue_ids.size());
  return call.Number(
      static_cast<int64_t>(call.store().TakeArrivals(topics.first(room), queue_ids.first(room))));
}

napi_value Bounds(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  TopicHandle topic;
  int32_t queue_id = 0;
  std::span<double> cells;
  if (!call.IsOpen() || !call.Queue(1, &topic, &queue_id) ||
      !call.arguments().Float64s(3, "cells", 2, &cells)) {
    return call.Refuse();
  }
  QueueBounds bounds;
  if (!call.store().Bounds(topic, queue_id, &bounds)) return Boolean(env, false);
  if (bounds.max.value > kMaxSafeInteger) return call.FailUnsafe("a queue offset");
  cells[0] = static_cast<double>(bounds.min.value);
  cells[1] = static_cast<double>(bounds.max.value);
  return Boolean(env, true);
}

napi_value OffsetByTime(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  TopicHandle topic;
  int32_t queue_id = 0;
  int64_t timestamp_ms = 0;
  if (!ReadTimeQuestion(call, &topic, &queue_id, &timestamp_ms)) return call.Refuse();
  return call.Number(call.store().OffsetByTime(topic, queue_id, timestamp_ms).value);
}

napi_value OffsetByTimeAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  TopicHandle topic;
  int32_t queue_id = 0;
  int64_t timestamp_ms = 0;
  if (!ReadTimeQuestion(call, &topic, &queue_id, &timestamp_ms)) return call.Refuse();
  const uint32_t ticket = call.session()->NextTicket();
  return call.Ticket(call.store().OffsetByTimeAhead(ticket, topic, queue_id, timestamp_ms));
}

napi_value StoreTimesAhead(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 3);
  TopicHandle topic;
  std::span<double> cells;
  if (!call.IsOpen() || !call.Topic(1, &topic) ||
      !call.arguments().Float64s(2, "places", 0, &cells)) {
    return call.Refuse();
  }
  std::vector<QueuePlace> places(cells.size() / 2);
  for (size_t i = 0; i < places.size(); ++i) {
    int64_t queue_id = 0;
    int64_t offset = 0;
    if (!ToInteger(cells[2 * i], 0, kMaxInt32, &queue_id) ||
        !ToInteger(cells[2 * i + 1], -kMaxSafeInteger, kMaxSafeInteger, &offset)) {
      call.arguments().Refuse("places", "a list of queue ids and queue offsets in turn");
      return call.Refuse();
    }
    places[i] = {static_cast<int32_t>(queue_id), {offset}};
  }
  const uint32_t ticket = call.session()->NextTicket();
  return call.Ticket(call.store().StoreTimesAhead(ticket, topic, std::move(places)));
}

napi_value StoreTimeAt(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 4);
  TopicHandle topic;
  int32_t queue_id = 0;
  QueueOffset offset;
  if (!call.IsOpen() || !call.Queue(1, &topic, &queue_id) ||
      !call.arguments().Integer(3, "queueOffset", -kMaxSafeInteger, kMaxSafeInteger,
                                &offset.value)) {
    return call.Refuse();
  }
  return call.Number(call.store().StoreTimeAt(topic, queue_id, offset));
}

napi_value RemoveTopic(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 2);
  std::string name;
  if (!call.IsOpen() || !call.arguments().String(1, "topic", kMaxNameBytes, &name))
    return call.Refuse();
  uint64_t ticket = 0;
  const Status begun = call.store().RemoveTopic(name, &ticket);
  return begun.ok() ? call.Number(static_cast<int64_t>(ticket)) : call.Fail(begun);
}

napi_value ReadQueueEntries(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 5);
  TopicHandle topic;
  int32_t queue_id = 0;
  QueueOffset from;
  int64_t count = 0;
  if (!call.IsOpen() || !call.Queue(1, &topic, &queue_id) ||
      !call.arguments().Integer(3, "fromQueueOffset", 0, kMaxSafeInteger, &from.value) ||
      !call.arguments().Integer(4, "count", 0, kMaxEntries, &count)) {
    return call.Refuse();
  }
  std::vector<ConsumeQueueEntry> found(static_cast<size_t>(count));
  found.resize(call.store().ReadEntries(topic, queue_id, from, found));
  Napi::Array entries = Napi::Array::New(env, found.size());
  for (uint32_t i = 0; i < found.size(); i++) {
    Napi::HandleScope scope(env);
    if (found[i].physical_offset.value > kMaxSafeInteger) return call.FailUnsafe("an offset");
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("physicalOffset", static_cast<double>(found[i].physical_offset.value));
    entry.Set("sizeBytes", found[i].size_bytes);
    entry.Set("tagsCode", Napi::BigInt::New(env, found[i].tag_code));
    entries.Set(i, entry);
  }
  return entries;
}

napi_value Queues(napi_env env, napi_callback_info info) {
  StoreCall call(env, info, 1);
  if (!call.IsOpen()) return call.Refuse();
  const std::vector<QueueName> queues = call.store().Queues();
  Napi::Array names = Napi::Array::New(env, queues.size());
  for (uint32_t i = 0; i < queues.size(); i++) {
    Napi::HandleScope scope(env);
    Napi::Object name = Napi::Object::New(env);
    name.Set("topic", queues[i].topic);
    name.Set("queueId", queues[i].queue_id);
    names.Set(i, name);
  }
  return names;
}

}  // namespace apogee::addon
