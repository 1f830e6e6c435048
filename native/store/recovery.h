#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/recovery_point.h"
#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/dispatch_places.h"
#include "store/dispatcher.h"
#include "store/log_end.h"
#include "store/message_store.h"
#include "store/quarantine.h"
#include "store/queue_repair.h"
#include "store/read_path.h"
#include "store/record_checksums.h"
#include "store/recovery_progress.h"

namespace apogee {

// What recovery works on: loaded, with nobody else looking yet.
struct RecoveryInput {
  CommitLog& log;
  TopicTable& topics;
  ConsumeQueueTable& queues;
  IndexService* index = nullptr;  // null: no index
  RecordChecksums& checksums;
  CheckpointTimes checkpoint;
  std::optional<RecoveryPoint> point = {};  // none: Java's rule, by the checkpoint's times
  bool clean = true;                        // the store was closed in order
  bool check_crc = true;
  bool sync_flush = false;  // acknowledged records were synced, in order
  std::span<const int64_t> delay_levels_ms;
  const DispatchPlaces& places;
  const ConsumeQueueExtOptions& extension;
  std::vector<ConsumeQueue*> damaged_queues;
  ConsumeQueue::BeforeLoss before_loss = {};
  ProgressReporter* progress = nullptr;
};

// Brings log, queues, index and checksums to one common end. What it reads depends on the bytes
// behind the recovery point; without one, and for what turns out to be missing or wrong in queues
// and index, it starts earlier. Opening thread only.
class Recovery {
 public:
  explicit Recovery(const RecoveryInput& input)
      : input_(input),
        repair_(input.log, input.topics, input.queues, input.places, input.before_loss, quarantine_,
                input.extension) {}

  // Finds the log's end. Changes nothing.
  Status FindEnd();
  // Cuts the log there and repairs queues and index. Everything that stays is durable when it
  // returns ok, but for the checksums.
  Status Repair();

  // Where the dispatcher goes on.
  const Dispatcher::Position& position() const { return position_; }
  // What is to be verified when records are read.
  RecordCheck Check() const;
  // Damage met by this recovery.
  const Quarantine& quarantine() const { return quarantine_; }
  void Report(RecoveryReport* report) const;

 private:
  PhysicalOffset FirstToDispatch() const;
  Status StartChecksums(PhysicalOffset from);
  Status RecoverIndex(PhysicalOffset* resume_from);
  Status Dispatch(PhysicalOffset from, bool first_scan);
  Status DispatchRecord(const RecordView& record, bool first_scan);
  PhysicalOffset PassOver(const ScanStop& stop);
  void AddDamage(PhysicalOffset from, PhysicalOffset to, const std::string& reason);
  Status SyncQueues();

  RecoveryInput input_;
  PhysicalOffset checked_from_;
  LogEnd end_;
  int64_t queue_entries_ = 0;  // in all queues, as loaded
  Quarantine quarantine_;
  QueueRepair repair_;
  PhysicalOffset dispatched_from_;
  Dispatcher::Position position_;
  std::vector<std::string> notes_;
};

}  // namespace apogee
