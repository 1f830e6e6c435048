#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/simulated_inode.h"

namespace apogee {

class SimulatedStoreIo;

// Which of the unsynced changes survive a power loss.
struct Survivors {
  enum class Kind : uint8_t {
    kNone,
    kAll,
    kPrefix,     // the first `value` changes
    kAllButOne,  // all but change number `value`
    kOnlyOne,    // change number `value` alone
    kSeeded,     // drawn with `value` as the seed
  };
  Kind kind = Kind::kNone;
  uint64_t value = 0;
  bool torn = false;  // kSeeded: pages may survive in part, by 512-byte sectors
  std::string ToString() const;
};

// What a directory's entry was changed to.
struct EntryChange {
  enum class Kind : uint8_t { kCreate, kRename, kRemove };
  Kind kind;
  std::string path;
  std::string to;                        // of a rename
  std::shared_ptr<SimulatedInode> file;  // null: a directory
};

// Everything that a power loss at one instant may leave of a SimulatedStoreIo.
//
// The changes since the last syncs count from 0: entries of directories in the order they were
// made, then for each file its size with its reservations, then its dirty pages, in groups. Each
// may survive or not, whatever becomes of the others: more than ext4 or XFS would do, as much as
// POSIX allows. A rename is one change. Immutable; thread: any.
class PowerLoss {
 public:
  size_t changes() const { return changes_.size(); }
  // One of the states, as a disk that has just been switched on again.
  std::unique_ptr<SimulatedStoreIo> Restart(const Survivors& survivors) const;

 private:
  friend class SimulatedStoreIo;
  using Tree = std::map<std::string, std::shared_ptr<SimulatedInode>>;
  struct Change {
    enum class Kind : uint8_t { kEntry, kMetadata, kPages } kind;
    size_t index;     // of the entry change, or of the file
    size_t from = 0;  // kPages: dirty pages [from, to)
    size_t to = 0;
  };
  // Which of the file's states the choice takes.
  struct FileFate {
    size_t metadata = 0;
    std::vector<uint8_t> sectors;  // for each dirty page: bit s for its sector s
  };

  PowerLoss(Tree durable, std::vector<EntryChange> entries, uint32_t group_pages,
            int64_t capacity_bytes);
  void AddFile(const std::shared_ptr<SimulatedInode>& file, uint32_t group_pages);
  static bool Survives(const Survivors& survivors, uint64_t change);
  std::shared_ptr<SimulatedInode> Rebuild(size_t index, const FileFate& fate,
                                          const BlockCount& used_blocks) const;

  Tree durable_;
  std::vector<EntryChange> entries_;
  std::map<const SimulatedInode*, size_t> file_numbers_;
  std::vector<InodeCapture> files_;
  std::vector<Change> changes_;
  int64_t capacity_bytes_;
};

// Applies a change to a tree of entries (directories without a file): what a directory sync does.
void ApplyEntryChange(const EntryChange& change,
                      std::map<std::string, std::shared_ptr<SimulatedInode>>* tree);

}  // namespace apogee
