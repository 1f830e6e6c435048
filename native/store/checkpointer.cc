#include "store/checkpointer.h"

#include <chrono>
#include <utility>

#include "base/thread_name.h"

namespace apogee {
namespace {

// As Java: most rounds flush only what is worth a sync; every so many flush everything and write
// the checkpoint.
constexpr int64_t kWorthASyncBytes = 2 * 4096;
constexpr int kRoundsPerCheckpoint = 10;

}  // namespace

Checkpointer::Checkpointer(const CommitLog& log, const Dispatcher& dispatcher,
                           ConsumeQueueTable& queues, IndexService* index, Checkpoint& checkpoint,
                           int64_t interval_ms, std::function<void(const Status&)> on_failure)
    : log_(log),
      dispatcher_(dispatcher),
      queues_(queues),
      index_(index),
      checkpoint_(checkpoint),
      interval_ms_(interval_ms),
      on_failure_(std::move(on_failure)) {}

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
  std::unique_lock lock(mutex_);
  for (int round = 1; failure_.ok(); ++round) {
    wake_.wait_for(lock, std::chrono::milliseconds(interval_ms_),
                   [this] { return stop_ || hastened_; });
    if (stop_) return;
    const bool all = std::exchange(hastened_, false) || round % kRoundsPerCheckpoint == 0;
    lock.unlock();
    const Status status = all ? WriteAll() : FlushQueues(kWorthASyncBytes);
    if (!status.ok()) {
      failure_ = status;
      on_failure_(status);
    }
    lock.lock();
  }
}

Status Checkpointer::FlushQueues(int64_t least_bytes) {
  for (ConsumeQueue* queue : queues_.All()) {
    if (queue->unflushed_bytes() >= least_bytes) APOGEE_RETURN_IF_ERROR(queue->Flush());
  }
  return Status::Ok();
}

// Every record stored up to then is dispatched, 0 when none is known: a millisecond counts when it
// is over and nothing of it is left.
int64_t Checkpointer::DispatchedMs() const {
  const Dispatcher::Position position = dispatcher_.position();
  if (position.store_time_ms <= 0) return 0;
  const bool over = log_.clock().NowMs() > position.store_time_ms;
  return over && position.offset >= log_.appended() ? position.store_time_ms
                                                    : position.store_time_ms - 1;
}

Status Checkpointer::WriteAll() {
  if (!failure_.ok()) return failure_;
  // What the checkpoint will claim is looked up before the syncs that make it true.
  const int64_t dispatched_ms = DispatchedMs();
  const PhysicalOffset dispatched = dispatcher_.dispatched();
  APOGEE_RETURN_IF_ERROR(FlushQueues(1));
  CheckpointTimes times = checkpoint_.times();
  if (index_ != nullptr) {
    APOGEE_RETURN_IF_ERROR(index_->Flush());
    if (dispatched_ms > 0) times.index_ms = dispatched_ms;
  }
  if (dispatched_ms > 0) times.logic_ms = dispatched_ms;
  if (log_.flushed_store_time_ms() > 0) times.physical_ms = log_.flushed_store_time_ms();
  APOGEE_RETURN_IF_ERROR(checkpoint_.Write(times));
  durable_.store(dispatched.value, std::memory_order_release);
  return Status::Ok();
}

}  // namespace apogee
