#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/offsets.h"
#include "base/status.h"
#include "format/message_record.h"
#include "log/log_committer.h"
#include "log/mapped_file_queue.h"
#include "log/segment_pool.h"

namespace apogee {

// How records get into the segments. The bytes there are the same.
enum class WritePath : uint8_t {
  kAuto,    // kStaged for a store that syncs each append, else kMapped
  kMapped,  // encoded into the mapped segment
  kStaged,  // encoded in memory; the flush thread writes all that wait at once, then syncs
  kPool,    // as kStaged, but written by interval: what was not written dies with the process
};

struct CommitLogOptions {
  std::string directory;
  uint32_t segment_bytes = 1u << 30;
  uint32_t max_body_bytes = 4u << 20;
  HostAddress store_host;
  WritePath write_path = WritePath::kMapped;  // kAuto counts as kMapped here
  uint64_t staging_bytes = 64u << 20;         // see StagingRing::Open
  int64_t staging_wait_ms = 1000;  // how long an append waits while the staging ring is full
  bool direct_io = false;          // staged writes go past the page cache where that is possible
  bool durable_reads = false;      // nothing can be read before it is on the device
  bool warm = false;               // the whole next segment is made ready, not only what comes next
  std::string recycle_directory;   // for retired segments, see SegmentPool; empty: none are kept
};

// How far memory is made ready ahead of the appender, and how often the thread that does it is
// told.
inline constexpr uint32_t kPrepareAheadBytes = 32u << 20;
inline constexpr uint32_t kProgressStepBytes = 4u << 20;
// 80 MB/s.
inline constexpr int64_t kCalmBytesPerUs = 80;
// What is zeroed at once where the syncs of the appender run beside it.
inline constexpr uint32_t kZeroStepBytes = 1u << 20;

// A borrowed record: bytes stay mapped while `file` is held.
struct RecordRef {
  std::shared_ptr<MappedFile> file;
  std::span<const uint8_t> bytes;
};

// Whether a message record that says it stands at `offset` begins the bytes, and is not longer.
bool IsRecordAt(std::span<const uint8_t> bytes, PhysicalOffset offset, uint32_t* size_bytes);

// The one log that all messages go to, in order.
//
// Thread: Append* from one appender thread. Read and the watermarks from any. Commit and Flush from
// the flush thread. appended() >= committed() >= flushed(). Readers see a record only when it is
// complete, and only below readable().
class CommitLog {
 public:
  CommitLog(StoreIo& io, const Clock& clock, CommitLogOptions options);

  Status Load();  // maps the segments; recovery then sets the end through TruncateAfter

  // Encodes records straight into the log, all in one segment (a batch moves to the next as a
  // whole). Fills in physical_offset, store_time_ms, store_host of each. Returns the end of the
  // last one. On error nothing was written. kTooLarge: body over max_body_bytes, properties over
  // 32767, topic over 127, or the batch over a segment or the staging ring. kNoSpace: the next
  // segment cannot be had. kBusy: the staging ring stayed full.
  Status Append(std::span<MessageFields> records, PhysicalOffset* end);

  // The record's bytes, when offset is within [min, readable) and holds a whole message record.
  // `size_hint` (from a queue entry) may be 0: then the size is read from the record.
  Status Read(PhysicalOffset offset, uint32_t size_hint, RecordRef* record) const;
  // Everything readable from `offset` to the end of its segment's written part. kNotFound when
  // outside.
  Status ReadSegment(PhysicalOffset offset, RecordRef* bytes) const {
    return ReadSegmentTo(readable(), offset, bytes);
  }

  // As ReadSegment; `pin` then holds too where the bytes are those of the staging ring, still in
  // memory whatever the files' pages are. For who reads them at once and lets go of both. One that
  // holds already moves to `offset`.
  Status ReadNewest(PhysicalOffset offset, RecordRef* bytes, StagingRing::Pin* pin) const {
    return ReadNewestTo(readable(), offset, bytes, pin);
  }
  // The same with another end, which is at most committed().
  Status ReadNewestTo(PhysicalOffset end, PhysicalOffset offset, RecordRef* bytes,
                      StagingRing::Pin* pin) const;

  // Keeps what is at and behind `offset` in the staging ring; empty where that is impossible.
  StagingRing::Pin Keep(PhysicalOffset offset) const {
    return committer_ ? committer_->ring().PinFrom(offset.value) : StagingRing::Pin();
  }

  PhysicalOffset min_offset() const;
  PhysicalOffset appended() const;
  PhysicalOffset committed() const;  // written to a segment: survives the end of the process
  PhysicalOffset flushed() const;
  PhysicalOffset readable() const { return options_.durable_reads ? flushed() : committed(); }
  int64_t last_store_time_ms() const;  // of the newest record, 0 when none

  // Every record stored up to then is on the device, 0 when none: what the checkpoint may say.
  int64_t flushed_store_time_ms() const;

  Status Commit();                        // writes everything appended at call time
  Status Flush(PhysicalOffset* flushed);  // and makes it durable
  // Recovery only: cuts at `offset`, and makes what stays durable. `last_store_time_ms`: of the
  // newest record that stays.
  Status TruncateAfter(PhysicalOffset offset, int64_t last_store_time_ms = 0,
                       CutTail tail = CutTail::kWipe);

  // Called on the appender thread each time another kProgressStepBytes were appended, and at the
  // end of a segment; must not block. Set before the first append.
  void SetProgressListener(std::function<void()> listener) { on_progress_ = std::move(listener); }
  // Called on the appender thread when the flush thread should Commit soon: a quarter of the
  // staging ring is used, or it is full. Must not block. Set before the first append.
  void SetCommitListener(std::function<void()> listener) { on_staged_ = std::move(listener); }
  // Gets a step of memory, or the next segment, ready ahead of the appender, which then neither
  // faults nor waits. From one thread. Returns whether there is more to do now. What fails here is
  // met, and told, by the appender.
  bool PrepareAhead();
  // Where the memory or blocks end that PrepareAhead has made ready. Any thread.
  PhysicalOffset prepared() const { return {prepared_to_.load(std::memory_order_acquire)}; }
  // Says that small groups of records will be synced one by one, so that segments being written
  // keep to single pages. Before the first append and before PrepareAhead.
  void ExpectSmallSyncs();
  // Whether what is appended has yet to be committed, see WritePath.
  bool staged() const { return committer_ != nullptr; }
  // Whether what is written is not in the page cache then: to read it back costs the device.
  bool direct() const { return staged() && options_.direct_io; }
  const Clock& clock() const { return clock_; }

  MappedFileQueue& segments() { return segments_; }
  const MappedFileQueue& segments() const { return segments_; }
  const CommitLogOptions& options() const { return options_; }

 private:
  Status ReadSegmentTo(PhysicalOffset end, PhysicalOffset offset, RecordRef* bytes) const;
  Status CheckSizes(std::span<const MessageFields> records, uint32_t* total_bytes) const;
  Status MakeRoom(uint32_t bytes);
  Status Roll();
  Status MakeStagedRoom(uint32_t bytes);
  Status RollStaged(uint32_t left);
  void TellCommitter();
  bool IsCalm(int64_t appended);
  bool PrepareBytes(int64_t appended);
  std::shared_ptr<MappedFile> FileToPrepare(int64_t offset) const;

  StoreIo& io_;
  const Clock& clock_;
  const CommitLogOptions options_;
  MappedFileQueue segments_;
  std::unique_ptr<SegmentPool> pool_;        // null: none
  std::unique_ptr<LogCommitter> committer_;  // null: the mapped path
  std::shared_ptr<MappedFile> current_;      // appender thread
  std::weak_ptr<MappedFile> written_;        // prepare thread: where appends went
  bool calm_ = true;                         // prepare thread, with the next two
  int64_t judged_us_ = 0;
  int64_t judged_at_ = 0;
  std::function<void()> on_staged_;
  int64_t told_at_ = -1;  // appender thread: committed() when on_staged_ was last called
  std::function<void()> on_progress_;
  bool small_syncs_ = false;
  int64_t next_progress_ = 0;            // appender thread
  std::atomic<int64_t> prepared_to_{0};  // changed by the prepare thread
  std::atomic<int64_t> appended_{0};
  std::atomic<int64_t> flushed_{0};
  std::atomic<int64_t> last_store_time_ms_{0};
  std::atomic<int64_t> flushed_store_time_ms_{0};
};

}  // namespace apogee
