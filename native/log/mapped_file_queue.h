#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "log/mapped_file.h"
#include "log/segment_name.h"
#include "log/segment_pool.h"

namespace apogee {

// What is to be done with the bytes behind a cut.
enum class CutTail : uint8_t {
  kWipe,        // read them all and make zero what is not
  kKnownBlank,  // nothing was ever written there since they were zero: saves reading a whole
                // prepared segment
};

// What becomes of the file of a removed segment.
enum class Removal : uint8_t {
  kMayKeep,    // a pool may keep it, to make a new segment of it
  kFreeSpace,  // deleted
};

// Segments of one directory, ascending and without gaps; the last one is written. Used by CommitLog
// and ConsumeQueue.
//
// Offsets are bytes from the first byte ever written to this queue of files.
// Thread: one writer (WritableFile, Truncate*, Remove*); readers (Find, files, min/max) on any
// thread. All segments but the last are full.
class MappedFileQueue {
 public:
  MappedFileQueue(StoreIo& io, std::string directory, uint32_t file_size_bytes,
                  uint32_t reserve_step_bytes);

  // Maps every segment found. Zero-length trailing files (a crash between create and allocate) are
  // removed; a hole or a wrong size is kCorruption naming the file. All positions are set to full;
  // recovery resets them. Does not create.
  Status Load();

  // Where retired segments go and new ones come from; null: they are removed and created. Before
  // other threads work.
  void SetPool(SegmentPool* pool) { pool_ = pool; }
  // See FileMapping::AdviseSmallWrites, for every segment created from now on.
  void AdviseSmallWrites() { small_writes_.store(true, std::memory_order_relaxed); }

  // The segment that holds `offset`, or null. Also finds the position right at the end of the last
  // one.
  std::shared_ptr<MappedFile> Find(int64_t offset) const;
  std::shared_ptr<MappedFile> First() const;
  std::shared_ptr<MappedFile> Last() const;
  std::vector<std::shared_ptr<MappedFile>> files() const;  // snapshot

  // Writer. The segment to append to: the last one unless full; creates the next (or the first, at
  // the segment boundary at or below `first_offset`).
  Status WritableFile(int64_t first_offset, std::shared_ptr<MappedFile>* file);
  // Writer. The segment behind the last one, full or not: for who fills segments later than it
  // decides what goes where.
  Status NextFile(int64_t first_offset, std::shared_ptr<MappedFile>* file);
  // Creates the segment behind the last one (or the first, as WritableFile would) ahead of its use,
  // so that the next WritableFile can neither fail nor wait. Any thread. Nothing to do when it is
  // there already.
  Status PrepareNext(int64_t first_offset);
  // The segment made by PrepareNext and not used yet, or null.
  std::shared_ptr<MappedFile> Prepared() const;
  // Removes it again, at an orderly stop. No concurrent writer.
  Status DropPrepared();

  int64_t min_offset() const;  // start of the first segment, 0 when empty
  int64_t max_offset() const;  // end of written bytes
  int64_t flushed_offset() const { return flushed_offset_.load(std::memory_order_acquire); }
  // Makes everything written at call time durable, oldest segment first. One caller at a time.
  Status Flush(int64_t* flushed_offset);

  // Recovery only: cuts everything at and after `offset`; segments wholly behind it are removed,
  // and what was written behind it in its own segment reads as zeros.
  Status TruncateAfter(int64_t offset, CutTail tail = CutTail::kWipe);
  // Removes the first segment when it lies wholly below `offset` and is not the last. Returns
  // kNotFound otherwise. With a pool it goes there, unless a reader still holds it or kFreeSpace
  // wants the space back.
  Status RemoveFirstBefore(int64_t offset, Removal removal = Removal::kMayKeep);
  // Gives back the space of what the pool has.
  void DropRecycled();
  Status RemoveAll();

  const std::string& directory() const { return directory_; }
  uint32_t file_size() const { return file_size_bytes_; }

 private:
  Status Map(const DirEntry& entry, bool last);
  int64_t NextStart(int64_t first_offset) const;
  Status Create(int64_t start_offset, std::shared_ptr<MappedFile>* file);
  std::vector<std::shared_ptr<MappedFile>> Dirty() const;
  std::string PathOf(int64_t start_offset) const;
  Status Retire(std::shared_ptr<MappedFile> file, Removal removal);

  StoreIo& io_;
  const std::string directory_;
  const uint32_t file_size_bytes_;
  const uint32_t reserve_step_bytes_;
  SegmentPool* pool_ = nullptr;
  std::atomic<bool> small_writes_{false};
  std::atomic<int64_t> flushed_offset_{0};
  mutable std::mutex mutex_;  // guards files_
  std::vector<std::shared_ptr<MappedFile>> files_;
  mutable std::mutex
      prepare_mutex_;  // guards prepared_; held while a segment is created; taken before mutex_
  std::shared_ptr<MappedFile> prepared_;
};

}  // namespace apogee
