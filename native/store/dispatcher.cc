#include "store/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/thread_name.h"

namespace apogee {
namespace {

// Records between two publications: consumers need not wait for the end of a long burst.
constexpr int kBatchRecords = 512;
constexpr auto kShortagePause = std::chrono::milliseconds(100);
// Waking a sleeping thread costs the appender several microseconds, a third of what a lone append
// takes in all. So while messages keep coming the dispatcher looks by itself, and only after some
// looks in vain it sleeps until the next append wakes it; after the first one when in a hurry.
constexpr auto kDoze = std::chrono::microseconds(500);
constexpr int kDozesBeforeSleep = 20;
constexpr int kDozesBeforeAsking = 2;
constexpr int32_t kMostQueuesKept = 64;

}  // namespace

Dispatcher::Dispatcher(CommitLog& log, TopicTable& topics, ConsumeQueueTable& queues,
                       IndexService* index, RecordChecksums& checksums, Arrivals& arrivals,
                       const DispatchPlaces& places, RemovedTopics& removed,
                       std::vector<int64_t> delay_levels_ms,
                       const ConsumeQueueExtOptions& extension, Callbacks callbacks)
    : log_(log),
      topics_(topics),
      queues_(queues),
      index_(index),
      checksums_(checksums),
      arrivals_(arrivals),
      places_(places),
      removed_(removed),
      delay_levels_ms_(std::move(delay_levels_ms)),
      callbacks_(std::move(callbacks)),
      units_(extension) {}

Dispatcher::~Dispatcher() {
  // Who wants to know the result calls Stop() himself.
  [[maybe_unused]] const Status status = Stop();
}

void Dispatcher::Start(Position from) {
  at_ = from;
  published_ = from;
  if (log_.direct()) pin_ = log_.Keep(from.offset);
  dispatched_.store(from.offset.value, std::memory_order_release);
  thread_ = std::thread([this] { Run(); });
}

// An exchange on both sides: either the dispatcher's look at the log comes after this append, or
// this sees it asleep.
void Dispatcher::Wake() {
  if (!asleep_.exchange(false)) return;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

Status Dispatcher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return failure_;
}

Dispatcher::Position Dispatcher::position() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

void Dispatcher::Run() {
  SetThreadName("dispatch");
  for (;;) {
    const Status status = DispatchBatch();
    if (!status.ok()) pin_ = {};  // no append is to wait for what may not go on
    std::unique_lock lock(mutex_);
    if (IsShortage(status.code())) {
      if (stop_) failure_ = status;
      if (stop_) return;
      wake_.wait_for(lock, kShortagePause, [this] { return stop_; });
      continue;
    }
    if (!status.ok()) {
      failure_ = status;
      lock.unlock();
      if (callbacks_.on_failure) callbacks_.on_failure(status);
      return;
    }
    if (at_.offset < log_.readable()) continue;
    if (stop_) return;
    lock.unlock();
    if (!Doze()) Sleep();
  }
}

// True when there is something to do. After one look in vain appends wake it, while somebody waits
// for entries: those that come faster than the looks never pay for that.
bool Dispatcher::Doze() {
  std::unique_lock lock(mutex_);
  bool found = false;
  for (int i = 0; i < kDozesBeforeSleep && !found; ++i) {
    if (i > 0 && hurry_.load()) asleep_.exchange(true);
    wake_.wait_for(lock, kDoze, [this] { return HasWork(); });
    asleep_.exchange(false);
    woken_ = false;  // what was appended may not be readable yet: then this was a look in vain
    found = HasWork();
    if (i == kDozesBeforeAsking && !found) {
      lock.unlock();
      AskWhenUnreadable();
      lock.lock();
    }
  }
  return found;
}

void Dispatcher::SetHurry(bool hurry) { hurry_.store(hurry); }

// Under mutex_.
bool Dispatcher::HasWork() const { return stop_ || woken_ || at_.offset < log_.readable(); }

void Dispatcher::AskWhenUnreadable() {
  const bool unreadable = at_.offset >= log_.readable() && at_.offset < log_.appended();
  if (unreadable && callbacks_.on_unreadable) callbacks_.on_unreadable();
}

void Dispatcher::Sleep() {
  asleep_.exchange(true);
  AskWhenUnreadable();  // of appends from now on Wake tells
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return HasWork(); });
  woken_ = false;
  asleep_.exchange(false);
}

// Up to kBatchRecords of one segment. On an error everything before the record concerned counts.
Status Dispatcher::DispatchBatch() {
  if (at_.offset >= log_.readable()) return Status::Ok();
  RecordRef segment;
  APOGEE_RETURN_IF_ERROR(log_.ReadNewest(at_.offset, &segment, &pin_));
  const PhysicalOffset segment_end{segment.file->start_offset() + segment.file->size()};
  std::unique_lock gate(gate_mutex_);
  const std::lock_guard lock(queues_mutex_);
  gate.unlock();
  Position at = at_;
  Status status = DispatchBytes(segment.bytes, &at);
  if (segment_end - at.offset < kBlankBytes) at.offset = segment_end;
  Publish(at);
  // Read back from the device, the bytes would cost more than to wait.
  if (!log_.direct()) pin_ = {};
  if (pin_) pin_.MoveTo(at_.offset.value);
  return status;
}

Status Dispatcher::DispatchBytes(std::span<const uint8_t> bytes, Position* at) {
  for (int i = 0; i < kBatchRecords && bytes.size() >= kBlankBytes; ++i) {
    const RecordView record = ParseRecord(bytes, false);
    if (record.kind == RecordKind::kBlank) {
      at->offset = at->offset + static_cast<int64_t>(bytes.size());
      return Status::Ok();
    }
    if (record.kind != RecordKind::kMessage) {
      return Status::Error(
          StatusCode::kCorruption,
          "the log holds no record at " + std::to_string(at->offset.value) + " any more");
    }
    APOGEE_RETURN_IF_ERROR(DispatchRecord(record));
    at->last_record = at->offset;
    at->last_checksum = ChecksumOf(record);
    checksums_.Put(at->offset, at->last_checksum);
    at->offset = at->offset + record.size_bytes;
    at->store_time_ms = record.fields.store_time_ms;
    bytes = bytes.subspan(record.size_bytes);
  }
  return Status::Ok();
}

Status Dispatcher::DispatchRecord(const RecordView& record) {
  const DispatchItem item = MakeDispatchItem(record, delay_levels_ms_);
  APOGEE_RETURN_IF_ERROR(
      places_.Visit(item, [this](const DispatchItem& place) { return PutEntry(place); }));
  if (item.indexed && index_ != nullptr) APOGEE_RETURN_IF_ERROR(index_->Put(item.index));
  return Status::Ok();
}

Status Dispatcher::PutEntry(const DispatchItem& item) {
  if (removed_.StandBefore(item.topic, item.entry.physical_offset)) {
    APOGEE_RETURN_IF_ERROR(RemoveQueuesAtOnce(item.topic));
  }
  ConsumeQueue* queue = nullptr;
  APOGEE_RETURN_IF_ERROR(FindQueue(item, &queue));
  const QueueOffset max = queue->max();
  if (item.queue_offset < max)
    return Status::Ok();  // put before a full disk interrupted the record
  if (item.queue_offset > max) APOGEE_RETURN_IF_ERROR(queue->FillTo(item.queue_offset));
  APOGEE_RETURN_IF_ERROR(queue->Append(item.entry, units_.Of(item)));
  if (touched_.empty() || touched_.back() != queue) touched_.push_back(queue);
  return Status::Ok();
}

// Within a batch: the next record begins the topic's queues again.
Status Dispatcher::RemoveQueuesAtOnce(std::string_view topic) {
  TopicHandle handle;
  APOGEE_RETURN_IF_ERROR(topics_.Intern(topic, &handle));
  const std::optional<PhysicalOffset> end = removed_.Standing(topic);
  last_queues_.clear();
  APOGEE_RETURN_IF_ERROR(queues_.RemoveTopic(handle));
  if (end) removed_.QueuesGone(topic, *end);
  return Status::Ok();
}

template <typename Step>
Status Dispatcher::BetweenBatches(Step step) {
  const std::lock_guard gate(gate_mutex_);
  const std::lock_guard lock(queues_mutex_);
  return step();
}

// Each step finds out whether a batch came before it, or the topic was removed once more.
Status Dispatcher::RemoveQueues(TopicHandle topic) {
  const std::string_view name = topics_.Name(topic);
  while (const std::optional<PhysicalOffset> end = removed_.Standing(name)) {
    const auto unless_over = [&](const auto& step) {
      return BetweenBatches([&] { return removed_.Standing(name) == end ? step() : Status::Ok(); });
    };
    std::vector<ConsumeQueue*> queues;
    APOGEE_RETURN_IF_ERROR(unless_over([&] {
      last_queues_.clear();
      queues = queues_.Detach(topic);
      return Status::Ok();
    }));
    for (ConsumeQueue* queue : queues) {
      APOGEE_RETURN_IF_ERROR(unless_over([&] { return queue->Remove(); }));
    }
    APOGEE_RETURN_IF_ERROR(unless_over([&] {
      APOGEE_RETURN_IF_ERROR(queues_.RemoveDirectory(topic));
      removed_.QueuesGone(name, *end);
      return Status::Ok();
    }));
  }
  return Status::Ok();
}

Status Dispatcher::FindQueue(const DispatchItem& item, ConsumeQueue** queue) {
  if (last_topic_ != item.topic) {
    last_queues_.clear();
    last_topic_ = item.topic;
  }
  const bool keep = item.queue_id >= 0 && item.queue_id < kMostQueuesKept;
  const auto place = static_cast<size_t>(item.queue_id);
  *queue = keep && place < last_queues_.size() ? last_queues_[place] : nullptr;
  if (*queue != nullptr) return Status::Ok();
  TopicHandle topic;
  APOGEE_RETURN_IF_ERROR(topics_.Intern(item.topic, &topic));
  APOGEE_RETURN_IF_ERROR(queues_.FindOrCreate({topic, item.queue_id}, queue));
  if (!keep) return Status::Ok();
  if (place >= last_queues_.size()) last_queues_.resize(place + 1);
  last_queues_[place] = *queue;
  return Status::Ok();
}

void Dispatcher::Publish(const Position& at) {
  if (at.offset == at_.offset) return;
  at_ = at;
  checksums_.Commit();
  {
    const std::lock_guard lock(mutex_);
    published_ = at;
  }
  dispatched_.store(at.offset.value, std::memory_order_release);
  std::sort(touched_.begin(), touched_.end());
  touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
  const bool arrived = arrivals_.Published(touched_);
  touched_.clear();
  if (callbacks_.on_dispatched) callbacks_.on_dispatched();
  if (arrived && callbacks_.on_arrival) callbacks_.on_arrival();
}

}  // namespace apogee
