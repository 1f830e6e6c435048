#include "store/append_path.h"

#include <algorithm>

namespace apogee {
namespace {

bool HasQueueOffset(int32_t sys_flag) {
  const int32_t transaction = sys_flag & kTransactionTypeMask;
  return transaction != kTransactionPrepared && transaction != kTransactionRollback;
}

void FailAll(std::span<AppendResult> results, StatusCode code) {
  for (AppendResult& result : results) {
    result = {};
    result.status = code;
  }
}

}  // namespace

bool AppendPath::Append(std::span<const AppendRequest> requests, std::span<AppendResult> results) {
  bool appended = false;
  for (size_t at = 0; at < requests.size();) {
    const auto asked = static_cast<size_t>(std::max(requests[at].batch_size, 1));
    const size_t count = std::min(asked, requests.size() - at);
    const auto group = results.subspan(at, count);
    if (asked > count) {
      FailAll(group, StatusCode::kInvalidArgument);
    } else {
      appended = AppendGroup(requests.subspan(at, count), group) || appended;
    }
    at += count;
  }
  return appended;
}

// A single message or one whole batch: all or nothing.
bool AppendPath::AppendGroup(std::span<const AppendRequest> requests,
                             std::span<AppendResult> results) {
  fields_.resize(requests.size());
  counted_.clear();
  for (size_t i = 0; i < requests.size(); ++i) {
    const StatusCode code = MakeFields(requests[i], &fields_[i]);
    if (code == StatusCode::kOk) continue;
    TakeBack(counted_.size());
    FailAll(results, code);
    return false;
  }
  PhysicalOffset end;
  const Status status = log_.Append(fields_, &end);
  if (!status.ok()) {
    TakeBack(counted_.size());
    FailAll(results, status.code());
    return false;
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    const MessageFields& fields = fields_[i];
    results[i] = {StatusCode::kOk, fields.physical_offset, fields.queue_offset,
                  fields.store_time_ms, RecordSize(fields)};
  }
  return true;
}

StatusCode AppendPath::MakeFields(const AppendRequest& request, MessageFields* fields) {
  const std::string_view topic = TopicName(request.topic);
  if (topic.empty() || request.queue_id < 0) return StatusCode::kInvalidArgument;
  *fields = {};
  fields->topic = topic;
  fields->queue_id = request.queue_id;
  fields->flag = request.flag;
  fields->sys_flag = request.sys_flag;
  fields->born_time_ms = request.born_time_ms;
  fields->born_host = request.born_host;
  fields->reconsume_times = request.reconsume_times;
  fields->prepared_transaction_offset = request.prepared_transaction_offset;
  fields->body = request.body;
  fields->properties = request.properties;
  if (HasQueueOffset(request.sys_flag)) {
    int64_t& next = Next({request.topic, request.queue_id});
    fields->queue_offset = {next++};
    counted_.push_back(&next);
  }
  return StatusCode::kOk;
}

void AppendPath::TakeBack(size_t count) {
  for (size_t i = 0; i < count; ++i) --*counted_[i];
  counted_.clear();
}

int64_t& AppendPath::Next(QueueId id) {
  // References into an unordered_map stay valid while it grows.
  return next_[static_cast<uint64_t>(static_cast<uint32_t>(id.topic.value)) << 32 |
               static_cast<uint32_t>(id.queue_id)];
}

std::string_view AppendPath::TopicName(TopicHandle topic) {
  if (topic.value < 0) return {};
  const auto index = static_cast<size_t>(topic.value);
  if (index < topic_names_.size() && !topic_names_[index].empty()) return topic_names_[index];
  const std::string_view name = topics_.Name(topic);
  if (name.empty()) return {};
  if (index >= topic_names_.size()) topic_names_.resize(index + 1);
  topic_names_[index] = name;
  return name;
}

}  // namespace apogee
