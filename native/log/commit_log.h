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
#include "log/mapped_file_queue.h"

namespace apogee {

struct CommitLogOptions {
  std::string directory;
  uint32_t segment_bytes = 1u << 30;
  uint32_t max_body_bytes = 4u << 20;
  HostAddress store_host;
};

// How far memory is made ready ahead of the appender, and how often the thread that does it is
// told.
inline constexpr uint32_t kPrepareAheadBytes = 32u << 20;
inline constexpr uint32_t kProgressStepBytes = 4u << 20;

// A borrowed record: bytes stay mapped while `file` is held.
struct RecordRef {
  std::shared_ptr<MappedFile> file;
  std::span<const uint8_t> bytes;
};

// Whether a message record that says it stands at `offset` begins the bytes, and is not longer.
bool IsRecordAt(std::span<const uint8_t> bytes, PhysicalOffset offset, uint32_t* size_bytes);

// The one log that all messages go to, in order.
//
// Thread: Append* from one appender thread. Read, appended() and flushed() from any. Flush from the
// flush thread. appended() >= flushed(). Readers see a record only when it is complete.
class CommitLog {
 public:
  CommitLog(StoreIo& io, const Clock& clock, CommitLogOptions options);

  Status Load();  // maps the segments; recovery then sets the end through TruncateAfter

  // Encodes records straight into the log, all in one segment (a batch moves to the next as a
  // whole). Fills in physical_offset, store_time_ms, store_host of each. Returns the end of the
  // last one. On error nothing was written. kTooLarge: body over max_body_bytes, properties over
  // 32767, topic over 127, or the batch over a segment.
  Status Append(std::span<MessageFields> records, PhysicalOffset* end);

  // The record's bytes, when offset is within [min, appended) and holds a whole message record.
  // `size_hint` (from a queue entry) may be 0: then the size is read from the record.
  Status Read(PhysicalOffset offset, uint32_t size_hint, RecordRef* record) const;
  // Everything readable from `offset` to the end of its segment's written part. kNotFound when
  // outside.
  Status ReadSegment(PhysicalOffset offset, RecordRef* bytes) const;

  PhysicalOffset min_offset() const;
  PhysicalOffset appended() const;
  PhysicalOffset flushed() const;
  int64_t last_store_time_ms() const;  // of the newest record, 0 when none

  // Every record stored up to then is on the device, 0 when none: what the checkpoint may say.
  int64_t flushed_store_time_ms() const;

  Status Flush(PhysicalOffset* flushed);  // everything appended at call time
  // Recovery only: cuts at `offset`, and makes what stays durable. `last_store_time_ms`: of the
  // newest record that stays.
  Status TruncateAfter(PhysicalOffset offset, int64_t last_store_time_ms = 0,
                       CutTail tail = CutTail::kWipe);

  // Called on the appender thread each time another kProgressStepBytes were appended; must not
  // block. Set before the first append.
  void SetProgressListener(std::function<void()> listener) { on_progress_ = std::move(listener); }
  // Gets a step of memory, or the next segment, ready ahead of the appender, which then neither
  // faults nor waits. From one thread. Returns whether there is more to do now. What fails here is
  // met, and told, by the appender.
  bool PrepareAhead();
  // Says that small groups of records will be synced one by one, so that segments being written
  // keep to single pages. Before the first append and before PrepareAhead.
  void ExpectSmallSyncs();
  const Clock& clock() const { return clock_; }

  MappedFileQueue& segments() { return segments_; }
  const MappedFileQueue& segments() const { return segments_; }
  const CommitLogOptions& options() const { return options_; }

 private:
  Status CheckSizes(std::span<const MessageFields> records, uint32_t* total_bytes) const;
  Status MakeRoom(uint32_t bytes);
  Status Roll();
  Status PrepareNext();
  std::shared_ptr<MappedFile> FileToPopulate(int64_t offset) const;

  const Clock& clock_;
  const CommitLogOptions options_;
  MappedFileQueue segments_;
  std::shared_ptr<MappedFile> current_;  // appender thread
  std::function<void()> on_progress_;
  bool small_syncs_ = false;
  int64_t next_progress_ = 0;  // appender thread
  int64_t populated_to_ = 0;   // prepare thread
  std::atomic<int64_t> appended_{0};
  std::atomic<int64_t> flushed_{0};
  std::atomic<int64_t> last_store_time_ms_{0};
  std::atomic<int64_t> flushed_store_time_ms_{0};
};

}  // namespace apogee
