#pragma once

#include <span>
#include <string>
#include <vector>

#include "format/checkpoint_layout.h"
#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/log_end.h"
#include "store/message_store.h"
#include "store/queue_repair.h"
#include "store/read_path.h"

namespace apogee {

// What recovery works on: loaded, with nobody else looking yet.
struct RecoveryInput {
  CommitLog& log;
  TopicTable& topics;
  ConsumeQueueTable& queues;
  IndexService* index = nullptr;  // null: no index
  CheckpointTimes checkpoint;
  bool clean = true;  // the store was closed in order
  bool check_crc = true;
  std::span<const int64_t> delay_levels_ms;
  std::vector<ConsumeQueue*> damaged_queues;
  ConsumeQueue::BeforeLoss before_loss = {};
};

// Brings log, queues and index to one common end. Opening thread only.
class Recovery {
 public:
  explicit Recovery(const RecoveryInput& input)
      : input_(input), repair_(input.log, input.topics, input.queues, input.before_loss) {}

  // Finds the log's end. Changes nothing; kCorruption leaves the store as it is.
  Status FindEnd();
  // Cuts the log there and repairs queues and index. Everything that stays is durable when it
  // returns ok.
  Status Repair();

  PhysicalOffset end() const { return end_.at; }
  int64_t last_store_time_ms() const { return end_.last_store_time_ms; }
  // Bodies of records below were not verified.
  PhysicalOffset unchecked_below() const { return input_.check_crc ? checked_from_ : end_.at; }
  void Report(RecoveryReport* report) const;

 private:
  Status RecoverIndex(PhysicalOffset* resume_from);
  Status Dispatch(PhysicalOffset from, bool with_index);
  Status SyncQueues();

  RecoveryInput input_;
  PhysicalOffset checked_from_;
  LogEnd end_;
  QueueRepair repair_;
  PhysicalOffset dispatched_from_;
};

}  // namespace apogee
