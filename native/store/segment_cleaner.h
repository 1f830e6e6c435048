#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/retention_options.h"

namespace apogee {

// Deletes segments of the log, oldest first, and then what queues and index have of them.
//
// Never the segment being written, nor one of which anything is not yet in queues and index,
// durably. Thread: one at a time, beside all others of the store.
class SegmentCleaner {
 public:
  // As many as Java deletes in one round.
  static constexpr int kPerRound = 10;

  struct Parts {
    CommitLog& log;
    ConsumeQueueTable& queues;
    IndexService* index;  // may be null
    // Everything below is on the device, its queue entries and index included.
    std::function<PhysicalOffset()> durable;
    // Waits so many ms; false when the work is to end.
    std::function<bool(int64_t)> pause;
    // After the segment that started there is gone; may be empty.
    std::function<void(PhysicalOffset)> on_segment_removed;
  };
  // Which segments may go.
  struct Rule {
    bool by_age = true;           // only those whose newest record was stored ...
    int64_t stored_until_ms = 0;  // ... at or before this
    PhysicalOffset below;         // and only those that end at or below this
    int at_most = kPerRound;
    Removal removal = Removal::kMayKeep;
  };
  struct Deleted {
    int64_t segments = 0;
    int64_t bytes = 0;
  };

  explicit SegmentCleaner(Parts parts);

  // Not ok when a file could not be deleted; `deleted` counts what went before.
  Status Delete(const Rule& rule, const RetentionOptions& options, Deleted* deleted);
  // Brings queues and index up to the log's beginning. Nothing to do when that has not moved.
  Status TrimDerived(const RetentionOptions& options);

 private:
  bool MayGo(const MappedFile& segment, const Rule& rule) const;
  bool Pinned(const std::shared_ptr<MappedFile>& segment, const RetentionOptions& options);

  const Parts parts_;
  PhysicalOffset trimmed_below_;
  int64_t pinned_start_ = -1;  // of the segment that a reader held
  int64_t pinned_since_us_ = 0;
};

}  // namespace apogee
