#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "format/extension_unit.h"
#include "queue/queue_files.h"

namespace apogee {

// The extension files of one queue: a unit for each entry whose tag code is an address. Derived
// like the queue: what is lost is made again from the log.
//
// Offsets are bytes. Thread: Open before any other use; Settle, Put and Keep on the one writer;
// Remove with no writer; Sync, TrimBelow and Remove one at a time; the rest from any. A reader
// finds the unit of an entry that it can see.
class QueueExtension {
 public:
  // Lists the directory, which need not be there. Files of another size than `file_bytes` are gone
  // on with; such as contradict each other are removed.
  static Status Open(StoreIo& io, QueueMappings& mappings, const std::string& directory,
                     uint32_t file_bytes, std::unique_ptr<QueueExtension>* extension);
  // Removes the files and the directory, durably.
  static Status RemoveDirectory(StoreIo& io, const std::string& directory);

  bool empty() const { return files_.empty(); }
  int64_t files_end() const { return files_.end(); }
  uint32_t file_bytes() const { return files_.file_bytes(); }
  // Whether there is a file for the address.
  bool Covers(int64_t address) const;
  // The unit at the address; false when none stands there. The bit map is good while `file` is
  // held, which also spares the next call the search.
  bool Read(int64_t address, std::shared_ptr<QueueFile>* file, ExtensionUnit* unit) const;

  // Whether it is known where the next unit goes.
  bool settled() const { return end_.load(std::memory_order_relaxed) >= 0; }
  // Drops everything from `end` on, durably; the next unit goes there. When that lies behind all
  // files, they go.
  Status Settle(int64_t end);
  // The next unit's place has to be found again.
  void Unsettle() { end_.store(-1, std::memory_order_relaxed); }
  // Writes a unit behind the last one that was kept. kNoSpace may be tried again; kTooLarge for one
  // that no file can hold.
  Status Put(const ExtensionUnit& unit, int64_t* address);
  // The unit written last has its entry.
  void Keep();

  // Makes what was kept durable.
  Status Sync();
  // Makes the last files durable whatever was synced before.
  Status SyncAll();
  // Removes files wholly below the address, but never the last.
  Status TrimBelow(int64_t address);
  Status Remove();

 private:
  QueueExtension(StoreIo& io, QueueMappings& mappings, const std::string& directory,
                 uint32_t file_bytes)
      : io_(io), files_(io, mappings, directory, file_bytes) {}

  StoreIo& io_;
  QueueFiles files_;
  std::atomic<int64_t> end_{-1};  // of the last unit kept; -1: not known
  std::atomic<int64_t> synced_{0};
  int64_t put_end_ = 0;  // writer
};

}  // namespace apogee
