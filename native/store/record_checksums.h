#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "format/record_checksum.h"
#include "io/store_io.h"

namespace apogee {

// Checksums of what the log's own CRC leaves unprotected: headers, topics, properties, queue
// offsets. One file per log segment in DIRECTORY, made from the log and never a reason to refuse
// anything: a record without an entry is unknown, not damaged.
//
// Thread: KeepBelow and StartAt on the opening thread, before any other; Put and Commit on the
// dispatch thread; Sync and RemoveBelow on the checkpoint thread; Matches on any.
// Failure: a full disk is met by keeping entries for later, and by leaving the oldest out when it
// lasts; any other failure ends the writing for this opening. Neither is told: what is durable says
// Sync.
class RecordChecksums {
 public:
  RecordChecksums(StoreIo& io, std::string directory, uint32_t segment_bytes);

  // Recovery: entries of records in [from, below) are to be trusted, the others go.
  Status KeepBelow(PhysicalOffset from, PhysicalOffset below);
  // Recovery: records from here on are put again, those before are passed over. Nothing was kept:
  // the range starts here.
  void StartAt(PhysicalOffset offset);

  // Recovery: after a failure nothing is kept, trusted or written.
  void Disable(const Status& failure);

  // In the log's order. Buffers only.
  void Put(PhysicalOffset offset, uint32_t checksum);
  // What was put before may be synced now; writes it when it is much.
  void Commit();

  // Makes everything committed durable. False when something is not.
  bool Sync();
  // Deletes the files of segments that lie wholly below.
  void RemoveBelow(PhysicalOffset log_min);

  // Entries in [from, trusted_below) are those of earlier openings.
  PhysicalOffset from() const { return from_; }
  PhysicalOffset trusted_below() const { return trusted_below_; }

  // False when the record is not what was dispatched in an earlier opening. `record` is parsed and
  // in place.
  bool Matches(const RecordView& record) const;

 private:
  struct Pending {
    PhysicalOffset offset;
    uint32_t checksum = 0;
  };
  struct Open {  // the file being written
    int64_t segment = -1;
    std::shared_ptr<StoreFile> file;
    uint64_t size_bytes = 0;
  };
  struct Entries {  // a file of an earlier opening, mapped
    std::unique_ptr<FileMapping> mapping;
    size_t count = 0;
  };

  int64_t SegmentOf(PhysicalOffset offset) const {
    return offset.value - offset.value % segment_bytes_;
  }
  std::string PathOf(int64_t segment) const;
  Status Truncate(int64_t segment, PhysicalOffset below);
  void DropOldest();
  Status WritePending();
  Status WriteGroup(size_t first, size_t count);
  Status OpenSegment(int64_t segment);
  std::shared_ptr<const Entries> EntriesOf(int64_t segment) const;

  StoreIo& io_;
  const std::string directory_;
  const int64_t segment_bytes_;
  PhysicalOffset from_;             // opening thread, then constant
  PhysicalOffset trusted_below_;    // opening thread, then constant
  PhysicalOffset next_;             // dispatch thread: records below have their entry
  std::vector<Pending> collected_;  // dispatch thread: not committed yet
  std::mutex mutex_;                // guards the next six
  std::vector<Pending> pending_;    // committed, not written
  Open open_;
  std::vector<std::shared_ptr<StoreFile>> unsynced_;  // written since the last Sync
  bool directory_unsynced_ = false;
  bool disk_full_ = false;  // not tried again before the next Sync
  Status failure_;
  mutable std::mutex entries_mutex_;  // guards entries_
  mutable std::map<int64_t, std::shared_ptr<const Entries>> entries_;
};

}  // namespace apogee
