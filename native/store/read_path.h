#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/message_store.h"

namespace apogee {

// Reads messages through their queues: what a pull, a query by offset or by time needs. Thread:
// any.
class ReadPath {
 public:
  ReadPath(const CommitLog& log, const ConsumeQueueTable& queues) : log_(log), queues_(queues) {}

  // Bodies below this were not verified by recovery, so each is when it is read. Before any other
  // thread reads.
  void SetUncheckedBelow(PhysicalOffset offset) { unchecked_below_ = offset; }

  // See MessageStore for all of these.
  PullResult Pull(const PullRequest& request, std::span<uint8_t> into) const;
  bool Bounds(QueueId id, QueueBounds* bounds) const;
  QueueOffset OffsetByTime(QueueId id, int64_t store_time_ms) const;
  int64_t StoreTimeAt(QueueId id, QueueOffset offset) const;
  int64_t EarliestStoreTime() const;
  Status ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const;
  // Store time of the record at `offset`, -1 when no message starts there.
  int64_t StoreTimeOf(PhysicalOffset offset) const;

 private:
  const CommitLog& log_;
  const ConsumeQueueTable& queues_;
  PhysicalOffset unchecked_below_;
};

}  // namespace apogee
