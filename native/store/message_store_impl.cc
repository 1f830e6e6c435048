#include "store/message_store_impl.h"

#include <algorithm>
#include <utility>

namespace apogee {
namespace {

constexpr uint32_t kMostReadAheadBytes = 1 << 20;

CommitLogOptions LogOptions(const StoreOptions& options) {
  const bool sync = options.flush.mode == FlushMode::kSync;
  CommitLogOptions log;
  log.directory = options.commit_log_directory.empty() ? options.root + "/commitlog"
                                                       : options.commit_log_directory;
  log.segment_bytes = options.segment_bytes;
  log.max_body_bytes = options.max_body_bytes;
  log.store_host = options.store_host;
  log.write_path = options.write_path;
  if (log.write_path == WritePath::kAuto) {
    log.write_path = sync ? WritePath::kStaged : WritePath::kMapped;
  }
  log.staging_bytes = options.staging_bytes;
  log.staging_wait_ms = options.staging_wait_ms;
  log.direct_io = options.direct_io;
  log.durable_reads = sync && options.dispatch_durable_only;
  log.warm = options.warm_segments;
  if (options.recycle_segments) log.recycle_directory = options.root + "/recycled";
  return log;
}

}  // namespace

MessageStoreImpl::MessageStoreImpl(StoreIo& io, const Clock& clock, const StoreOptions& options,
                                   StoreListener listener)
    : io_(io),
      clock_(clock),
      options_(options),
      listener_(std::move(listener)),
      log_(io, clock, LogOptions(options)),
      queues_(io, options.root + "/consumequeue", options.consume_queue_file_bytes, topics_,
              QueueMappings::kDefaultCap,
              {options.root + "/consumequeue_ext", options.consume_queue_ext.enabled,
               options.consume_queue_ext.file_bytes}),
      checksums_(io, options.root + "/checksums", options.segment_bytes),
      places_(options_.multi_dispatch, removed_),
      appends_(log_, topics_, options_.multi_dispatch, removed_),
      reads_(log_, queues_),
      raw_log_(log_, options.flush.mode == FlushMode::kSync),
      copy_check_(io, clock, options.root, log_, checksums_),
      read_ahead_(listener_.on_read_ahead),
      flusher_(log_, options.flush,
               [this] {
                 Fail(flusher_.status());
                 dispatcher_->Wake();
                 Progress();
               }),
      space_(io, log_.options().directory, options.root) {}

MessageStoreImpl::~MessageStoreImpl() {
  // Who wants to know the result calls Close() himself.
  [[maybe_unused]] const Status status = Close();
}

void MessageStoreImpl::Append(std::span<const AppendRequest> requests,
                              std::span<AppendResult> results) {
  const bool closed = closed_.load(std::memory_order_acquire);
  if (closed || failure_.failed() || space_.refuses()) {
    const StatusCode refusal = failure_.failed() ? StatusCode::kReadOnly : StatusCode::kNoSpace;
    for (AppendResult& result : results) {
      result = {};
      result.status = closed ? StatusCode::kClosed : refusal;
    }
    return;
  }
  if (appends_.Append(requests, results)) dispatcher_->Wake();
}

Status MessageStoreImpl::RemoveTopic(std::string_view topic, uint64_t* ticket) {
  if (closed_.load(std::memory_order_acquire)) {
    return Status::Error(StatusCode::kClosed, "the store is closed");
  }
  if (failure_.failed()) {
    return Status::Error(StatusCode::kReadOnly, failure_.status().ToString());
  }
  TopicHandle handle;
  if (topics_.Find(topic, &handle)) {
    removed_.Begin(topic, log_.appended());
    appends_.Forget(handle);
  }
  *ticket = retention_->Request(
      {.kind = RetentionRequest::Kind::kRemoveTopic, .topic = std::string(topic)});
  return Status::Ok();
}

// "clean" thread. What is durable first: that old messages have no queue. An opening after a crash
// finishes the rest. The recovery point counts queue entries: until there is a new one, the next
// opening after a crash reads the whole log.
Status MessageStoreImpl::FinishRemoval(const std::string& topic) {
  TopicHandle handle;
  if (!topics_.Find(topic, &handle)) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(removed_.Save(log_.min_offset()));
  APOGEE_RETURN_IF_ERROR(dispatcher_->RemoveQueues(handle));
  flusher_.Request(log_.appended());
  checkpointer_->Hasten();
  return Status::Ok();
}

void MessageStoreImpl::RequestFlush(PhysicalOffset end) {
  if (!closed_.load(std::memory_order_acquire)) flusher_.Request(end);
}

// The ends that follow are read before the one they follow.
Watermarks MessageStoreImpl::watermarks() const {
  Watermarks marks;
  if (dispatcher_) marks.dispatched = dispatcher_->dispatched();
  marks.flushed = log_.flushed();
  marks.committed = log_.committed();
  marks.appended = log_.appended();
  marks.prepared = log_.prepared();
  return marks;
}

PullResult MessageStoreImpl::Pull(const PullRequest& request, std::span<uint8_t> into) const {
  return reads_.Pull(request, into);
}

bool MessageStoreImpl::ReadAhead(uint32_t ticket, const PullRequest& request) {
  PullRequest own = request;
  own.may_wait_for_disk = true;
  own.tag_codes = {};
  const std::vector<int32_t> tags(request.tag_codes.begin(), request.tag_codes.end());
  return read_ahead_.Submit(ticket, [this, own, tags]() mutable {
    own.tag_codes = tags;
    // The reader wants the pages, not the copy; a record larger than this is read by its own pull.
    std::vector<uint8_t> copy(std::min(own.max_bytes, kMostReadAheadBytes));
    PullResult result = reads_.Pull(own, copy);
    if (result.needed_bytes == 0) return;
    copy.resize(result.needed_bytes);
    result = reads_.Pull(own, copy);
  });
}

bool MessageStoreImpl::ReadRecordAhead(uint32_t ticket, PhysicalOffset offset) {
  return read_ahead_.Submit(ticket, [this, offset] { TouchRecord(offset); });
}

bool MessageStoreImpl::QueryAhead(uint32_t ticket, std::string_view topic, std::string_view key,
                                  int32_t max_count, int64_t begin_ms, int64_t end_ms) {
  return read_ahead_.Submit(ticket, [=, this, topic = std::string(topic), key = std::string(key)] {
    const QueryResult found = QueryByKey(topic, key, max_count, begin_ms, end_ms);
    for (const PhysicalOffset offset : found.offsets) TouchRecord(offset);
  });
}

bool MessageStoreImpl::OffsetByTimeAhead(uint32_t ticket, TopicHandle topic, int32_t queue_id,
                                         int64_t store_time_ms) {
  return read_ahead_.Submit(
      ticket, [=, this] { (void)reads_.OffsetByTime({topic, queue_id}, store_time_ms); });
}

bool MessageStoreImpl::StoreTimesAhead(uint32_t ticket, TopicHandle topic,
                                       std::vector<QueuePlace> places) {
  return read_ahead_.Submit(ticket, [this, topic, places = std::move(places)] {
    for (const auto& [queue_id, offset] : places) {
      (void)reads_.StoreTimeAt({topic, queue_id}, offset);
    }
  });
}

bool MessageStoreImpl::ReadLogAhead(uint32_t ticket, PhysicalOffset from, size_t bytes) {
  return read_ahead_.Submit(ticket, [this, from, bytes] {
    raw_log_.ReadAhead(from, bytes);
    const PhysicalOffset end = raw_log_.end();
    const auto most = static_cast<int64_t>(std::min(bytes, RawLog::kMostAheadBytes));
    if (from < end) copy_check_.Look(from, std::min(from + most, end));
  });
}

void MessageStoreImpl::TouchRecord(PhysicalOffset offset) const {
  std::vector<uint8_t> copy;
  // Whether there is one is found out by who reads it next.
  [[maybe_unused]] const Status status = reads_.ReadRecord(offset, &copy);
}

void MessageStoreImpl::Watch(TopicHandle topic, int32_t queue_id, QueueOffset beyond) {
  const QueueId id{topic, queue_id};
  const bool fired = arrivals_.Watch(id, beyond, [&] {
    const ConsumeQueue* queue = queues_.Find(id);
    return queue == nullptr ? QueueOffset{0} : queue->max();
  });
  if (fired && listener_.on_arrival) listener_.on_arrival();
}

void MessageStoreImpl::SetHurry(bool hurry) { dispatcher_->SetHurry(hurry); }

size_t MessageStoreImpl::TakeArrivals(std::span<int32_t> topics, std::span<int32_t> queue_ids) {
  return arrivals_.Take(topics, queue_ids);
}

bool MessageStoreImpl::Bounds(TopicHandle topic, int32_t queue_id, QueueBounds* bounds) const {
  return reads_.Bounds({topic, queue_id}, bounds);
}

size_t MessageStoreImpl::ReadEntries(TopicHandle topic, int32_t queue_id, QueueOffset from,
                                     std::span<ConsumeQueueEntry> into) const {
  return reads_.ReadEntries({topic, queue_id}, from, into);
}

QueueOffset MessageStoreImpl::OffsetByTime(TopicHandle topic, int32_t queue_id,
                                           int64_t store_time_ms) const {
  return reads_.OffsetByTime({topic, queue_id}, store_time_ms);
}

int64_t MessageStoreImpl::StoreTimeAt(TopicHandle topic, int32_t queue_id,
                                      QueueOffset offset) const {
  return reads_.StoreTimeAt({topic, queue_id}, offset);
}

Status MessageStoreImpl::ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const {
  return reads_.ReadRecord(offset, record);
}

Status MessageStoreImpl::LeaseRecord(PhysicalOffset offset, RecordLease* lease) const {
  RecordRef found;
  APOGEE_RETURN_IF_ERROR(reads_.Borrow(offset, &found));
  *lease = {std::move(found.file), found.bytes};
  return Status::Ok();
}

QueryResult MessageStoreImpl::QueryByKey(std::string_view topic, std::string_view key,
                                         int32_t max_count, int64_t begin_ms,
                                         int64_t end_ms) const {
  QueryResult result;
  if (!index_) return result;
  const auto count = static_cast<size_t>(std::max(max_count, 0));
  IndexAnswer answer = index_->Query({topic, key, count, begin_ms, end_ms});
  result.offsets = std::move(answer.offsets);
  result.index_last_update_time_ms = answer.last_update_time_ms;
  result.index_last_update_physical_offset = answer.last_update_physical_offset;
  return result;
}

std::vector<QueueName> MessageStoreImpl::Queues() const {
  std::vector<QueueName> names;
  for (const ConsumeQueue* queue : queues_.All()) {
    names.push_back({std::string(topics_.Name(queue->id().topic)), queue->id().queue_id});
  }
  std::ranges::sort(names, {},
                    [](const QueueName& name) { return std::tie(name.topic, name.queue_id); });
  return names;
}

Status MessageStoreImpl::RequestRetention(RetentionRequest request, uint64_t* ticket) {
  if (closed_.load(std::memory_order_acquire)) {
    return Status::Error(StatusCode::kClosed, "the store is closed");
  }
  if (request.kind == RetentionRequest::Kind::kRemoveTopic) {
    return Status::Error(StatusCode::kInvalidArgument, "RemoveTopic begins a removal");
  }
  if (request.kind == RetentionRequest::Kind::kSetTopic) {
    TopicHandle handle;
    APOGEE_RETURN_IF_ERROR(topics_.Intern(request.topic, &handle));
    const TopicRetention& limits = request.topic_retention;
    if (limits.time_ms < 0 || limits.bytes < 0) {
      return Status::Error(StatusCode::kInvalidArgument, "a retention is not negative");
    }
  }
  *ticket = retention_->Request(std::move(request));
  return Status::Ok();
}

// A failure makes the store read-only; the first one is kept.
void MessageStoreImpl::Fail(const Status& status) {
  if (failure_.Set(status)) Progress();
}

void MessageStoreImpl::Progress() {
  if (listener_.on_progress) listener_.on_progress();
}

}  // namespace apogee
