#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/offsets.h"
#include "base/status.h"
#include "index/index_file.h"

namespace apogee {

// What the index knows about for one record. Views live only during the call.
struct IndexedRecord {
  PhysicalOffset physical_offset;
  int64_t store_time_ms = 0;
  std::string_view topic;
  std::string_view unique_key;  // empty: none
  std::string_view keys;        // separated by blanks
};

struct IndexQuery {
  std::string_view topic;
  std::string_view key;
  size_t max_count = 0;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

struct IndexAnswer {
  std::vector<PhysicalOffset> offsets;  // newest first; equal hashes are not told apart
  int64_t last_update_time_ms = 0;
  int64_t last_update_physical_offset = 0;
};

// The index files of a store, oldest first; the last one is written. Disposable: made again from
// the log.
//
// Thread: Load, Recover on the opening thread; Put on the dispatch thread; Flush on one thread at a
// time; Query on any.
class IndexService {
 public:
  IndexService(StoreIo& io, const Clock& clock, std::string directory, IndexSize size);

  // Maps the files. `ignored` gets one sentence for each name or size that is no index file's.
  Status Load(std::vector<std::string>* ignored);

  struct RecoverInput {
    bool clean = true;             // false: what was not synced may be anything
    int64_t durable_until_ms = 0;  // the checkpoint's index time; counts when not clean
    PhysicalOffset log_end;
    // Store time of the record at an offset, -1 when the log has none there.
    std::function<int64_t(PhysicalOffset)> store_time_at;
    // When not negative it counts instead of clean and durable_until_ms: records below are complete
    // and durable, those from here on are put again. Nothing of it counts when the files do not
    // even reach `least_end_offset`.
    PhysicalOffset durable_below{-1};
    int64_t least_end_offset = 0;
  };
  // Drops what the log does not have and, when not clean, what may not have been synced. Put
  // ignores records below `resume_from`; those from there on must be put again.
  Status Recover(const RecoverInput& input, PhysicalOffset* resume_from);

  // Start of the last record indexed, 0 when there is none. Any thread.
  int64_t end_offset() const;
  // kNoSpace: call again with the same record.
  Status Put(const IndexedRecord& record);
  IndexAnswer Query(const IndexQuery& query) const;
  // Retention, on one thread: removes the oldest file when it only tells of records below `offset`
  // and is not the last. kNotFound otherwise.
  Status RemoveFirstBefore(PhysicalOffset offset);
  // Makes everything put before the call durable.
  Status Flush();

 private:
  using Files = std::vector<std::shared_ptr<IndexFile>>;
  Files Snapshot() const;
  int32_t KeptItems(const IndexFile& file, const RecoverInput& input) const;
  Status RemoveFrom(size_t index);
  void FindLastRecord();
  Status WritableFile(std::shared_ptr<IndexFile>* file);
  Status PutKey(const IndexedRecord& record, std::string_view key);

  StoreIo& io_;
  const Clock& clock_;
  const std::string directory_;
  const IndexSize size_;
  mutable std::shared_mutex mutex_;  // guards files_
  Files files_;
  bool incomplete_ = false;  // Load left a file out
  PhysicalOffset skip_below_;
  std::shared_ptr<IndexFile> current_;  // dispatch thread
  // Dispatch thread: how many keys of the record at `partial_offset_` are in already, when a Put
  // had to stop half-way.
  PhysicalOffset partial_offset_{-1};
  size_t partial_keys_ = 0;
};

}  // namespace apogee
