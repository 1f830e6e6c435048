#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/status.h"
#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/checkpoint.h"
#include "store/dispatcher.h"
#include "store/record_checksums.h"
#include "store/recovery_point_file.h"

namespace apogee {

// Makes queues, index and checksums durable on its own thread ("checkpoint"), so that neither
// appends nor consumers wait for it, and then says so in the recovery point and the checkpoint
// file, once the log is durable up to there as well.
//
// Failure: the first failed sync is sticky and told once. The checkpoint never moves after it.
class Checkpointer {
 public:
  // `index` may be null.
  Checkpointer(const CommitLog& log, const Dispatcher& dispatcher, ConsumeQueueTable& queues,
               IndexService* index, RecordChecksums& checksums, Checkpoint& checkpoint,
               RecoveryPointFile& point_file, int64_t interval_ms,
               std::function<void(const Status&)> on_failure);
  ~Checkpointer();

  void Start();
  // Ends the thread. Idempotent.
  void Stop();
  // Makes everything dispatched durable and writes the checkpoint. Only while the thread does not
  // run.
  Status WriteAll();
  // Makes the thread do that now. Any thread.
  void Hasten();
  // Queue entries and index of everything below are on the device. Any thread.
  PhysicalOffset durable() const { return {durable_.load(std::memory_order_acquire)}; }

 private:
  void Run();
  Status Collect();
  Status WriteDue();
  int64_t DispatchedMs(const Dispatcher::Position& position) const;
  int64_t QueueEntries() const;

  const CommitLog& log_;
  const Dispatcher& dispatcher_;
  ConsumeQueueTable& queues_;
  IndexService* const index_;
  RecordChecksums& checksums_;
  Checkpoint& checkpoint_;
  RecoveryPointFile& point_file_;
  const int64_t interval_ms_;
  const std::function<void(const Status&)> on_failure_;
  PhysicalOffset written_{-1};  // the thread while it runs, then its owner; the next three as well
  PhysicalOffset checksums_to_;
  std::optional<RecoveryPoint> due_;  // true but for the log, which is not durable so far yet
  Status failure_;                    // the thread while it runs, then its owner
  std::atomic<int64_t> durable_{0};
  std::mutex mutex_;  // guards stop_, hastened_
  std::condition_variable wake_;
  bool stop_ = false;
  bool hastened_ = false;
  std::thread thread_;
};

}  // namespace apogee
