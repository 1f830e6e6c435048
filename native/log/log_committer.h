#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/status.h"
#include "log/append_ends.h"
#include "log/large_pages.h"
#include "log/mapped_file_queue.h"
#include "log/staging_ring.h"
#include "log/zero_ahead.h"

namespace apogee {

// Moves staged bytes of the log into its segments, one write for all that are waiting.
//
// Behind what it writes there are always zeros: up to the end of the page, and at least kEndBytes.
// Thread: CommitTo from the flush thread; committed() from any; Begin before others work. The ring
// is the appender's, see there. Failure: the first failed write is sticky, and the appender is told
// through the ring.
class LogCommitter {
 public:
  // About as much is written at once: what is written makes room, and can be read, while the rest
  // is on its way.
  static constexpr int64_t kWriteBytes = 8 * AppendEnds::kStepBytes;
  static constexpr uint32_t kEndBytes = 8;  // what says "no record here" to who opens the log

  LogCommitter(StoreIo& io, MappedFileQueue& segments, bool direct_io, int64_t wait_ms,
               std::function<void()> on_full);

  Status Open(uint64_t ring_bytes);
  // Direct writes are to be durable one by one, since each group is waited for: otherwise a sync
  // follows. Before the first CommitTo.
  void ExpectSmallSyncs() { direct_durable_ = true; }
  // Goes on at `offset`, the end of what the segments hold.
  void Begin(int64_t offset);

  StagingRing& ring() { return ring_; }
  // Appender, before it publishes `to`: [from, to) stands in the ring.
  void Appended(int64_t from, int64_t to) { ends_.Add(from, to); }
  ZeroAhead& zero_ahead() { return zero_ahead_; }
  // A part of the ring's memory, for the appender at `appended`, is made ready for direct writes:
  // see LargePages. Preparer. Whether there is more to do.
  bool PrepareRing(int64_t appended) { return writes_directly_ && large_pages_.Step(appended); }
  int64_t committed() const { return committed_.load(std::memory_order_acquire); }
  // Everything staged below `end`, in order.
  Status CommitTo(int64_t end);

 private:
  int64_t EndOfWrite(int64_t from, int64_t end);
  Status CommitWithin(MappedFile& file, int64_t from, int64_t to);
  void OpenDirect(MappedFile& file);

  MappedFileQueue& segments_;
  const bool direct_io_;
  std::atomic<bool> writes_directly_;  // as far as is known: not when the file system refuses
  bool direct_durable_ = false;
  StagingRing ring_;
  AppendEnds ends_;
  ZeroAhead zero_ahead_;
  LargePages large_pages_;
  std::atomic<int64_t> committed_{0};
  // The rest is the flush thread's.
  Status failure_;
  int64_t direct_tried_ = -1;  // start of the segment last asked for direct I/O
  // The last page of a write, with zeros behind its end, and one more for when they do not fit.
  struct alignas(kDirectBytes) LastPages {
    uint8_t bytes[2 * kDirectBytes];
  };
  const std::unique_ptr<LastPages> last_pages_ = std::make_unique<LastPages>();
};

}  // namespace apogee
