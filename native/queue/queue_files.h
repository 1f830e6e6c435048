#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/store_io.h"
#include "queue/queue_file.h"
#include "queue/queue_mappings.h"

namespace apogee {

// The files of one directory: named by their start offset, of one size, without gaps. Few of them
// are mapped at a time and none is open, so that a store may have hundreds of thousands.
//
// Offsets are bytes. Thread: Load before any other use; Writable on the one writer; CutAfter and
// RemoveAll with no writer; the rest from any.
class QueueFiles {
 public:
  QueueFiles(StoreIo& io, QueueMappings& mappings, std::string directory, uint32_t file_bytes);
  ~QueueFiles();

  // Lists the directory. An empty last file, left over by a crash, is removed; a gap or another
  // size is kCorruption. Nothing is opened.
  Status Load();

  bool empty() const { return file_count() == 0; }
  size_t file_count() const;
  int64_t begin() const;  // start of the first file, 0 when there is none
  int64_t end() const;    // end of the last file, 0 when there is none
  uint32_t file_bytes() const { return file_bytes_; }
  const std::string& directory() const { return directory_; }

  // The file with the byte at `offset`, mapped now if it was not; null when no file has it or it
  // cannot be mapped.
  std::shared_ptr<QueueFile> Find(int64_t offset) const;
  // The file with the byte at `offset`, open and not mapped. kNotFound when no file has it.
  Status Open(int64_t offset, std::unique_ptr<StoreFile>* file) const;

  // Writer: the file in which to write [offset, offset + bytes), its blocks reserved; made when
  // `offset` is end(), or in any place when there is no file. A range over two files is
  // kInvalidArgument. kNoSpace changes nothing.
  Status Writable(int64_t offset, uint32_t bytes, std::shared_ptr<QueueFile>* file);

  // Makes [from, to) durable, mapped or not. Files removed meanwhile are passed over.
  Status Sync(int64_t from, int64_t to) const;

  // Removes files that start at or behind `offset`, but not the first, and makes what stands behind
  // `offset` in its own file read as zeros, durably.
  Status CutAfter(int64_t offset);
  // Removes the first file when it lies wholly below `offset` and is not the last. kNotFound
  // otherwise.
  Status RemoveFirstBefore(int64_t offset);
  Status RemoveAll();

 private:
  Status Add(const DirEntry& entry, bool last);
  Status Create(int64_t start_offset) const;
  Status Map(int64_t start_offset, std::shared_ptr<QueueFile>* file) const;
  Status ReserveTo(QueueFile& file, uint32_t position, uint32_t bytes);
  Status SyncFile(int64_t start_offset, int64_t from, int64_t to) const;
  Status RemoveLast();
  bool Has(int64_t offset) const;
  void Forget(const std::weak_ptr<QueueFile>& mapped) const;
  std::string PathOf(int64_t start_offset) const;

  StoreIo& io_;
  QueueMappings& mappings_;
  const std::string directory_;
  const uint32_t file_bytes_;
  mutable std::mutex mutex_;  // guards first_start_ and mapped_
  int64_t first_start_ = 0;
  mutable std::vector<std::weak_ptr<QueueFile>> mapped_;  // one for each file
  std::weak_ptr<QueueFile> written_;                      // writer: the file last asked for
  int64_t reserved_to_ = 0;  // writer: blocks of that file below are reserved; 0 when not known
};

}  // namespace apogee
