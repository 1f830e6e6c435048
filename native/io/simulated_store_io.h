#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "io/power_loss.h"
#include "io/simulated_inode.h"
#include "io/store_io.h"

namespace apogee {

// A file system in memory that knows what a power loss may take: of each file the bytes on the
// device and the later ones, of each directory the entries on the device and the later changes.
//
// Sync of a file, or of a part of a mapping, makes size and reservations durable, and all bytes or
// those of that part; SyncDirectory makes entries durable, so a synced file whose directory was not
// synced may vanish. Stores into a mapping are found by comparing pages.
//
// Limits: a file cannot grow while it is mapped (the process aborts), one process only, no links.
// Thread-safe. Files, mappings and locks may outlive it. Failing calls: see test/support.
class SimulatedStoreIo final : public StoreIo {
 public:
  // `capacity_bytes`: of the device, 0 for one that is never full.
  explicit SimulatedStoreIo(int64_t capacity_bytes = 0);

  // What the loss of power at this moment may leave, now that other threads may be at work. Dirty
  // pages of one file share their fate in groups of `group_pages` (4: a folio of 16 KiB).
  PowerLoss CutPower(uint32_t group_pages = 1) const;

  void SetCapacity(int64_t capacity_bytes);
  // Pages stored into through a mapping although no block was reserved for them, in all files.
  int64_t PagesWithoutBlock() const;
  // Visible bytes of a file, for comparisons. Empty when there is none.
  std::vector<uint8_t> Contents(const std::string& path) const;
  std::vector<std::string> Files() const;  // every path, sorted

  // StoreIo
  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<StoreFile>* file) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Status List(const std::string& path, std::vector<DirEntry>* entries) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  bool Exists(const std::string& path) override;
  Status Space(const std::string& path, SpaceInfo* space) override;
  Status Lock(const std::string& path, std::unique_ptr<FileLock>* lock) override;

  // Shared with the files, mappings and locks that were opened.
  struct Disk {
    mutable std::mutex mutex;  // guards everything here and in every inode
    std::map<std::string, std::shared_ptr<SimulatedInode>> visible;  // null: a directory
    std::map<std::string, std::shared_ptr<SimulatedInode>> durable;
    std::vector<EntryChange> changes;  // from durable to visible, in order
    std::set<std::string> locked;
    BlockCount used_blocks;
    int64_t capacity_bytes = 0;

    bool HasRoomFor(int64_t blocks) const;
  };

 private:
  friend class PowerLoss;
  SimulatedStoreIo(std::map<std::string, std::shared_ptr<SimulatedInode>> tree,
                   BlockCount used_blocks, int64_t capacity_bytes);
  Status Change(EntryChange change);  // with the lock held

  const std::shared_ptr<Disk> disk_;
};

}  // namespace apogee
