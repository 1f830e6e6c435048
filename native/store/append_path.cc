#include "store/append_path.h"

#include <algorithm>

#include "store/dispatch_item.h"

namespace apogee {
namespace {

bool HasQueueOffset(int32_t sys_flag) {
  const int32_t transaction = sys_flag & kTransactionTypeMask;
  return transaction != kTransactionPrepared && transaction != kTransactionRollback;
}

uint64_t Key(QueueId id) {
  return static_cast<uint64_t>(static_cast<uint32_t>(id.topic.value)) << 32 |
         static_cast<uint32_t>(id.queue_id);
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
  texts_.clear();
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
    // One by one: a copy of the whole is loaded wider than it was stored, which waits until the
    // record itself has left the processor's store buffer.
    results[i].status = StatusCode::kOk;
    results[i].physical_offset = fields.physical_offset;
    results[i].queue_offset = fields.queue_offset;
    results[i].store_time_ms = fields.store_time_ms;
    results[i].size_bytes = RecordSize(fields);
  }
  return true;
}

StatusCode AppendPath::MakeFields(const AppendRequest& request, MessageFields* fields) {
  const std::string_view topic = TopicName(request.topic);
  if (topic.empty() || request.queue_id < 0) return StatusCode::kInvalidArgument;
  if (const StatusCode code = AwaitRemoval(topic); code != StatusCode::kOk) return code;
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
  if (multi_dispatch_.enabled) {
    const StatusCode code = NameLmqPlaces(request, fields);
    if (code != StatusCode::kOk) return code;
  }
  if (HasQueueOffset(request.sys_flag)) {
    int64_t& next = Next({request.topic, request.queue_id});
    fields->queue_offset = {next};
    Count(next);
  }
  return StatusCode::kOk;
}

StatusCode AppendPath::AwaitRemoval(std::string_view topic) {
  if (!removed_.IsBegun(topic)) return StatusCode::kOk;
  return removed_.Save(log_.min_offset()).code();
}

void AppendPath::Count(int64_t& next) {
  ++next;
  counted_.push_back(&next);
}

// Gives the message an offset in each queue it names. As in Java, a name that stands there twice
// gets one, and a message without a place in its own queue counts in none.
StatusCode AppendPath::NameLmqPlaces(const AppendRequest& request, MessageFields* fields) {
  const std::string_view value = ReadDispatchProperties(request.properties).multi_dispatch;
  if (value.find_first_not_of(" \t") == std::string_view::npos) return StatusCode::kOk;
  const std::vector<std::string_view> names = LmqNames(value);
  if (names.empty()) return StatusCode::kInvalidArgument;
  const int32_t queue_id = multi_dispatch_.lmq_enabled ? 0 : request.queue_id;
  lmq_counters_.clear();
  lmq_offsets_.clear();
  for (const std::string_view name : names) {
    TopicHandle topic;
    // A name that cannot have a queue must not take a place in the table of topics either.
    if (lmq_queues_ >= multi_dispatch_.max_lmq_queues &&
        !(topics_.Find(name, &topic) && next_.contains(Key({topic, queue_id})))) {
      return StatusCode::kTooLarge;
    }
    if (!topics_.Intern(name, &topic).ok()) return StatusCode::kTooLarge;
    if (const StatusCode code = AwaitRemoval(name); code != StatusCode::kOk) return code;
    int64_t& next = Next({topic, queue_id});
    lmq_offsets_.push_back(next);
    if (std::ranges::find(lmq_counters_, &next) == lmq_counters_.end()) {
      lmq_counters_.push_back(&next);
    }
  }
  const std::string& text =
      texts_.emplace_back(WithMultiQueueOffsets(request.properties, lmq_offsets_));
  fields->properties = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  if (!HasQueueOffset(request.sys_flag)) return StatusCode::kOk;
  for (int64_t* const next : lmq_counters_) Count(*next);
  return StatusCode::kOk;
}

void AppendPath::Forget(TopicHandle topic) {
  const bool lmq = IsLmqName(topics_.Name(topic));
  const auto forgotten = std::erase_if(next_, [&](const auto& entry) {
    return static_cast<int32_t>(entry.first >> 32) == topic.value;
  });
  if (lmq) lmq_queues_ -= static_cast<int32_t>(forgotten);
}

void AppendPath::TakeBack(size_t count) {
  for (size_t i = 0; i < count; ++i) --*counted_[i];
  counted_.clear();
}

int64_t& AppendPath::Next(QueueId id) {
  // References into an unordered_map stay valid while it grows.
  const auto [entry, added] = next_.try_emplace(Key(id), 0);
  if (added && IsLmqName(topics_.Name(id.topic))) ++lmq_queues_;
  return entry->second;
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
