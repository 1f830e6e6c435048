#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/offsets.h"
#include "base/status.h"
#include "format/consume_queue_entry.h"
#include "log/mapped_file_queue.h"

namespace apogee {

// Which queue of which topic.
struct QueueId {
  TopicHandle topic;
  int32_t queue_id = 0;
  friend bool operator==(QueueId, QueueId) = default;
};

// Consecutive entries in place; valid while `file` is held.
struct QueueEntries {
  std::shared_ptr<MappedFile> file;
  const uint8_t* bytes = nullptr;
  int64_t count = 0;

  ConsumeQueueEntry operator[](int64_t i) const {
    return DecodeConsumeQueueEntry(bytes + i * kConsumeQueueEntryBytes);
  }
};

// One queue of one topic: for each queue offset where its record lies in the log. Disposable: made
// again from the log.
//
// Thread: Load, Cut, CorrectMin on the opening thread, before any other; Append and FillTo on the
// dispatch thread; Flush on one thread at a time; the rest from any. Readers see an entry only when
// it is complete.
class ConsumeQueue {
 public:
  // `file_bytes` is rounded up to a multiple of the entry's size. Touches no file.
  ConsumeQueue(StoreIo& io, QueueId id, std::string directory, uint32_t file_bytes);

  QueueId id() const { return id_; }
  const std::string& directory() const { return files_.directory(); }

  // Told before anything is dropped that only the log has then; not ok ends the loading with that.
  using BeforeLoss = std::function<Status()>;
  // Maps the files and finds the end in the last three. Files that cannot be a queue are removed.
  // `damaged` says that entries were lost by this, so that the log must be read again for this
  // queue.
  Status Load(bool* damaged, const BeforeLoss& before_loss = {});

  // 0 <= min() <= max() except while the first entry of a queue that starts in the middle is
  // written.
  QueueOffset min() const { return {min_.load(std::memory_order_acquire)}; }
  QueueOffset max() const { return {max_.load(std::memory_order_acquire)}; }
  // False outside what the files hold.
  bool Get(QueueOffset offset, ConsumeQueueEntry* entry) const;
  // The entries from `from` to max() or to the end of their file, none when `from` is outside.
  QueueEntries Read(QueueOffset from) const;

  // The first offset of the file behind the one `offset` belongs to.
  QueueOffset NextFile(QueueOffset offset) const;

  // Adds the entry of queue offset max(). kNoSpace: nothing was added and it may be tried again.
  Status Append(const ConsumeQueueEntry& entry);
  // Makes max() == `offset` with fill entries. An empty queue starts in the file of `offset` and
  // has it as min().
  Status FillTo(QueueOffset offset);

  // Drops entries from `offset` on; the bytes are zero afterwards.
  Status Cut(QueueOffset offset);
  // min() = first entry whose record the log still has (starts at `log_min` or later), max() when
  // there is none.
  void CorrectMin(PhysicalOffset log_min);

  // Retention, on one thread beside the writer. Moves min() on to the first entry whose record the
  // log still has, never back, and removes files wholly below it, but never the last. `removed`:
  // how many files went.
  Status TrimBelow(PhysicalOffset log_min, int* removed);
  // The same for a min() chosen by the caller; at most max().
  Status AdvanceMin(QueueOffset offset, int* removed);

  int64_t unflushed_bytes() const { return files_.max_offset() - files_.flushed_offset(); }
  Status Flush();
  // Recovery: makes the last files durable whatever was flushed before.
  Status SyncAll();

 private:
  Status FindEnd(bool* damaged, const BeforeLoss& before_loss);
  Status Discard();
  int64_t FirstInLog(PhysicalOffset log_min, int64_t low, int64_t high) const;
  Status PrepareFile(int64_t at_bytes);
  Status AppendBytes(const ConsumeQueueEntry& entry);

  StoreIo& io_;
  const QueueId id_;
  MappedFileQueue files_;
  std::shared_ptr<MappedFile> current_;  // dispatch thread
  std::atomic<int64_t> min_{0};
  std::atomic<int64_t> max_{0};
};

}  // namespace apogee
