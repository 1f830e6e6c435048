#include "store/checkpointer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/background_thread.h"
#include "base/thread_name.h"

namespace apogee {
namespace {

// As Java: most rounds flush only what is worth a sync; every so many flush everything and write
// the checkpoint.
constexpr int64_t kWorthASyncBytes = 2 * 4096;
constexpr int kRoundsPerCheckpoint = 10;
constexpr int64_t kHurriedMs = 20;

}  // namespace

Checkpointer::Checkpointer(const CommitLog& log, const Dispatcher& dispatcher,
                           ConsumeQueueTable& queues, IndexService* index,
                           RecordChecksums& checksums, Checkpoint& checkpoint,
                           RecoveryPointFile& point_file, int64_t interval_ms,
                           std::function<void(const Status&)> on_failure)
    : log_(log),
      dispatcher_(dispatcher),
      queues_(queues),
      index_(index),
      checksums_(checksums),
      checkpoint_(checkpoint),
      point_file_(point_file),
      interval_ms_(interval_ms),
      on_failure_(std::move(on_failure)),
      checksums_to_(checksums.trusted_below()) {}

Checkpointer::~Checkpointer() { Stop(); }

void Checkpointer::Start() {
  // Recovery has made everything durable.
  durable_.store(dispatcher_.dispatched().value, std::memory_order_release);
  thread_ = std::thread([this] { Run(); });
}

void Checkpointer::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::Hasten() {
  {
    const std::lock_guard lock(mutex_);
    hastened_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::Run() {
  SetThreadName("checkpoint");
  EnterBackground();
  std::unique_lock lock(mutex_);
  bool hurried = false;  // a hastened point waits for the log's flush
  for (int round = 1; failure_.ok();) {
    const int64_t wait_ms = hurried ? std::min(interval_ms_, kHurriedMs) : interval_ms_;
    wake_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                   [this] { return stop_ || hastened_; });
    if (stop_) return;
    const bool hastened = std::exchange(hastened_, false);
    const bool only_due = hurried && !hastened;
    const bool all = hastened || (!only_due && round % kRoundsPerCheckpoint == 0);
    lock.unlock();
    if (hastened) due_.reset();  // it says what was true before
    Status status = all || only_due ? Status::Ok() : queues_.Flush(kWorthASyncBytes);
    if (status.ok() && all && !due_) status = Collect();
    if (status.ok()) status = WriteDue();
    hurried = (hastened || hurried) && due_.has_value();
    if (!only_due) ++round;
    if (!status.ok()) {
      failure_ = status;
      on_failure_(status);
    }
    lock.lock();
  }
}

// Every record stored up to then is dispatched, 0 when none is known: a millisecond counts when it
// is over and nothing of it is left.
int64_t Checkpointer::DispatchedMs(const Dispatcher::Position& position) const {
  if (position.store_time_ms <= 0) return 0;
  const bool over = log_.clock().NowMs() > position.store_time_ms;
  return over && position.offset >= log_.appended() ? position.store_time_ms
                                                    : position.store_time_ms - 1;
}

int64_t Checkpointer::QueueEntries() const {
  int64_t entries = 0;
  for (const ConsumeQueue* queue : queues_.All()) entries += queue->max().value;
  return entries;
}

// What will be claimed is looked up before the syncs that make it true.
Status Checkpointer::Collect() {
  const Dispatcher::Position position = dispatcher_.position();
  RecoveryPoint point;
  point.offset = position.offset;
  point.last_record = position.last_record;
  point.last_checksum = position.last_checksum;
  point.queue_entries = QueueEntries();
  point.times = checkpoint_.times();
  const int64_t dispatched_ms = DispatchedMs(position);
  APOGEE_RETURN_IF_ERROR(queues_.Flush(1));
  if (index_ != nullptr) {
    point.index_offset = position.offset;
    point.index_end_offset = index_->end_offset();
    APOGEE_RETURN_IF_ERROR(index_->Flush());
    if (dispatched_ms > 0) point.times.index_ms = dispatched_ms;
  }
  if (dispatched_ms > 0) point.times.logic_ms = dispatched_ms;
  checksums_.RemoveBelow(log_.min_offset());
  if (checksums_.Sync()) checksums_to_ = position.offset;
  point.checksums_from = checksums_.from();
  point.checksums_to = checksums_to_;
  due_ = point;
  durable_.store(position.offset.value, std::memory_order_release);
  return Status::Ok();
}

// The point first: until the checkpoint has its times too, the point before counts.
Status Checkpointer::WriteDue() {
  if (!due_ || log_.flushed() < due_->offset) return Status::Ok();
  RecoveryPoint point = *due_;
  due_.reset();
  if (log_.flushed_store_time_ms() > 0) point.times.physical_ms = log_.flushed_store_time_ms();
  // Without it the next start takes longer, and that is all.
  if (point.times != checkpoint_.times() || point.offset != written_) {
    const Status written = point_file_.Write(point);
    if (written.ok()) written_ = point.offset;
  }
  return checkpoint_.Write(point.times);
}

Status Checkpointer::WriteAll() {
  APOGEE_RETURN_IF_ERROR(failure_);
  APOGEE_RETURN_IF_ERROR(Collect());
  return WriteDue();
}

}  // namespace apogee
