#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/message_store.h"
#include "store/record_check.h"

namespace apogee {

// Reads messages through their queues: what a pull, a query by offset or by time needs. Thread:
// any.
class ReadPath {
 public:
  ReadPath(const CommitLog& log, const ConsumeQueueTable& queues) : log_(log), queues_(queues) {}

  // What each record is held against before it is given out. Before any other thread reads.
  void SetCheck(RecordCheck check) { check_ = std::move(check); }

  // See MessageStore for all of these.
  PullResult Pull(const PullRequest& request, std::span<uint8_t> into) const;
  bool Bounds(QueueId id, QueueBounds* bounds) const;
  size_t ReadEntries(QueueId id, QueueOffset from, std::span<ConsumeQueueEntry> into) const;
  QueueOffset OffsetByTime(QueueId id, int64_t store_time_ms) const;
  int64_t StoreTimeAt(QueueId id, QueueOffset offset) const;
  int64_t EarliestStoreTime() const;
  Status ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const;
  // The record in place; verified like one that is copied.
  Status Borrow(PhysicalOffset offset, RecordRef* record) const;
  // Store time of the record at `offset`, -1 when no message starts there.
  int64_t StoreTimeOf(PhysicalOffset offset) const;

 private:
  const CommitLog& log_;
  const ConsumeQueueTable& queues_;
  RecordCheck check_;
};

}  // namespace apogee
