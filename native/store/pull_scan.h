#pragma once

#include <cstdint>
#include <span>

#include "log/commit_log.h"
#include "queue/consume_queue.h"
#include "store/message_store.h"
#include "store/record_check.h"

namespace apogee {

// One pull within bounds: walks entries, filters by tag code, copies whole records. Holds the
// segment it copies from.
class PullScan {
 public:
  // `check`: see RecordCheck; outlives the scan.
  PullScan(const CommitLog& log, const RecordCheck& check, const ConsumeQueue& queue,
           const PullRequest& request, std::span<uint8_t> into)
      : log_(log), check_(check), queue_(queue), request_(request), into_(into) {}

  // Fills status, next_begin, count, the sizes and log_behind_bytes of `result`.
  void Run(const QueueEntries& entries, PullResult* result);

 private:
  bool Passes(const ConsumeQueueEntry& entry);
  bool Full(const ConsumeQueueEntry& entry, const PullResult& result) const;
  enum class Found : uint8_t { kRecord, kNowhere, kOnDisk };
  Found Locate(const ConsumeQueueEntry& entry, std::span<const uint8_t>* record);
  bool InMemory(PhysicalOffset at, uint32_t size_bytes);
  int64_t NextSegment(PhysicalOffset offset) const;

  const CommitLog& log_;
  const RecordCheck& check_;
  const ConsumeQueue& queue_;
  const PullRequest& request_;
  const std::span<uint8_t> into_;
  std::shared_ptr<QueueFile> extension_;  // the one last read
  RecordRef segment_;                     // from segment_at_ on; empty at the start
  StagingRing::Pin pin_;                  // with the bytes of segment_, when they are in the ring
  PhysicalOffset segment_at_;
  int64_t resident_from_ = 0;  // log bytes from here
  int64_t resident_to_ = 0;    // to here were in memory when last asked
};

}  // namespace apogee
