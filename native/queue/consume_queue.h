#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/offsets.h"
#include "base/status.h"
#include "format/consume_queue_entry.h"
#include "queue/dirty_queues.h"
#include "queue/queue_extension.h"
#include "queue/queue_files.h"

namespace apogee {

// Which queue of which topic.
struct QueueId {
  TopicHandle topic;
  int32_t queue_id = 0;
  friend bool operator==(QueueId, QueueId) = default;
};

// Consecutive entries in place; valid while `file` is held.
struct QueueEntries {
  std::shared_ptr<QueueFile> file;
  const uint8_t* bytes = nullptr;
  int64_t count = 0;

  ConsumeQueueEntry operator[](int64_t i) const {
    return DecodeConsumeQueueEntry(bytes + i * kConsumeQueueEntryBytes);
  }
};

// Where the extension files of a store are, ROOT/TOPIC/QUEUE_ID/, and whether entries get units in
// them. What is there is read in any case.
struct ExtensionPlace {
  std::string root;  // empty: there are none
  bool enabled = false;
  uint32_t file_bytes = 48u << 20;
  bool present = true;  // false: the root was not there when loading began
};

// What all queues of a store share. Outlives them.
struct QueueSurroundings {
  StoreIo& io;
  QueueMappings& mappings;
  DirtyQueues& dirty;
  uint32_t file_bytes = 6000000;  // rounded up to a multiple of the entry's size
  ExtensionPlace extension = {};
};

// One queue of one topic: for each queue offset where its record lies in the log. Disposable: made
// again from the log. Its files are mapped when entries are read or added, not before.
//
// Thread: Load, Cut on the opening thread, before any other; Append and FillTo on the dispatch
// thread; Remove with no Append; Flush and CorrectMin on one thread each at a time; the rest from
// any. Readers see an entry only when it is complete.
class ConsumeQueue {
 public:
  // Touches no file.
  ConsumeQueue(const QueueSurroundings& surroundings, QueueId id, std::string directory);

  QueueId id() const { return id_; }
  const std::string& directory() const { return files_.directory(); }

  // Told before anything is dropped that only the log has then; not ok ends the loading with that.
  using BeforeLoss = std::function<Status()>;
  // Lists the files and finds the end with a few positioned reads. Files that cannot be a queue are
  // removed. `damaged` says that entries were lost by this, so that the log must be read again for
  // this queue.
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
  // With a unit the entry gets its address instead of the tag code, as long as extension files are
  // enabled and can take it.
  Status Append(const ConsumeQueueEntry& entry, const ExtensionUnit* unit = nullptr);
  // Makes max() == `offset` with fill entries. An empty queue starts in the file of `offset` and
  // has it as min().
  Status FillTo(QueueOffset offset);

  // Drops entries from `offset` on; the bytes are zero afterwards.
  Status Cut(QueueOffset offset);
  // min() = first entry whose record the log still has (starts at `log_min` or later), max() when
  // there is none.
  void CorrectMin(PhysicalOffset log_min);
  // Removes files and directory, and those of the extension, durably: an empty queue that starts at
  // 0. Readers keep what they hold.
  Status Remove();

  // The unit at an entry's address, see QueueExtension::Read; false when it is not there.
  bool ReadExtension(int64_t address, std::shared_ptr<QueueFile>* file, ExtensionUnit* unit) const;
  // Recovery: whether there is an extension file for the address.
  bool ExtensionCovers(int64_t address) const;
  // Recovery: drops the units of all entries from `offset` on, whose addresses lead nowhere
  // afterwards.
  Status CutExtension(QueueOffset offset);
  // Recovery, behind CutExtension and in order: gives the entry at `offset` < max() its unit anew,
  // the tag code of `entry` when there is none.
  Status Rewrite(QueueOffset offset, const ConsumeQueueEntry& entry, const ExtensionUnit* unit);
  // Recovery: addresses of entries in [from, to) become the tag code 0.
  Status DropAddresses(int64_t from, int64_t to);

  // Retention, on one thread beside the writer. Moves min() on to the first entry whose record the
  // log still has, never back, and removes files wholly below it, but never the last. `removed`:
  // how many files went.
  Status TrimBelow(PhysicalOffset log_min, int* removed);
  // The same for a min() chosen by the caller; at most max().
  Status AdvanceMin(QueueOffset offset, int* removed);

  int64_t unflushed_bytes() const {
    return max().value * kConsumeQueueEntryBytes - flushed_bytes_.load(std::memory_order_acquire);
  }
  // The first failure is sticky: the kernel may have dropped the pages.
  Status Flush();
  // As Flush, for a queue taken from DirtyQueues; it comes back there when it has less than
  // `least_bytes`.
  Status FlushTaken(int64_t least_bytes);
  // Recovery: makes the last files durable whatever was flushed before.
  Status SyncAll();

 private:
  // An entry that loading has read, so that recovery need not read it again.
  struct KnownEntry {
    int64_t offset = -1;
    ConsumeQueueEntry entry;
  };
  Status FindEnd(bool* damaged, const BeforeLoss& before_loss);
  std::string ExtensionDirectory() const;
  Status OpenExtension();
  Status SettleExtension();
  Status LastAddressBelow(int64_t offset, int64_t* address) const;
  Status SettleBelow(int64_t offset, QueueExtension& extension) const;
  Status PutUnit(const ExtensionUnit& unit, ConsumeQueueEntry* entry, bool* put_unit);
  Status WriteExtended(int64_t offset, ConsumeQueueEntry entry, const ExtensionUnit* unit);
  Status FlushExtension();
  Status TrimExtension();
  Status RemoveExtension();
  Status Discard();
  Status MoveMinOn(QueueOffset offset, int* removed);
  int64_t FirstInLog(PhysicalOffset log_min, int64_t low, int64_t high) const;
  Status Write(int64_t offset, const ConsumeQueueEntry& entry);
  void Dirty();
  void ForgetKnown();
  void SetFlushed(int64_t bytes) { flushed_bytes_.store(bytes, std::memory_order_release); }

  StoreIo& io_;
  DirtyQueues& dirty_;
  const QueueSurroundings& surroundings_;
  const QueueId id_;
  QueueFiles files_;
  std::unique_ptr<QueueExtension> owned_extension_;
  std::atomic<QueueExtension*> extension_{nullptr};  // null: none that is known of
  std::atomic<int64_t> min_{0};
  std::atomic<int64_t> max_{0};
  std::atomic<int64_t> flushed_bytes_{0};  // as far as files go, like max_ * entry size
  std::atomic<bool> listed_dirty_{false};
  std::atomic<bool> known_valid_{false};
  KnownEntry first_known_;  // written by Load only
  KnownEntry last_known_;
  std::mutex upkeep_mutex_;  // one of Flush, SyncAll, CorrectMin, TrimBelow, AdvanceMin and
                             // Remove at a time; guards sync_failure_
  Status sync_failure_;
};

}  // namespace apogee
