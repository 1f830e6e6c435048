#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace apogee {

inline constexpr uint64_t kSimulatedPageBytes = 4096;
inline constexpr uint64_t kSimulatedSectorBytes = 512;  // what a device writes as a whole

using SimulatedPage = std::array<uint8_t, kSimulatedPageBytes>;

// What a file system keeps about a file beside its bytes.
struct SimulatedMetadata {
  uint64_t size_bytes = 0;
  std::vector<bool> blocks;  // one for each page: whether it has room on the device
};

// Everything that may be left of a file when the power goes.
struct InodeCapture {
  struct DirtyPage {
    uint64_t number;  // from the file's start
    SimulatedPage bytes;
  };
  std::vector<uint8_t> durable;             // whole pages; zeros behind them
  std::vector<SimulatedMetadata> metadata;  // the durable one, then each later one, oldest first
  std::vector<DirtyPage> dirty;             // pages that differ from the durable ones, ascending
};

// Blocks in use on a simulated device, counted by the files that have them.
using BlockCount = std::shared_ptr<std::atomic<int64_t>>;

// A file of a SimulatedStoreIo: the bytes that readers and mappings see, those that are on the
// device, and the sizes and reservations since the last sync.
//
// Thread: under the lock of its SimulatedStoreIo. Mappings store into memory() without it, and are
// read as the kernel reads them: whatever stands there at that moment.
class SimulatedInode {
 public:
  explicit SimulatedInode(BlockCount used_blocks) : used_blocks_(std::move(used_blocks)) {}
  ~SimulatedInode() { *used_blocks_ -= counted_blocks_; }
  SimulatedInode(const SimulatedInode&) = delete;
  SimulatedInode& operator=(const SimulatedInode&) = delete;

  uint64_t size() const { return metadata_.size_bytes; }
  // Growing leaves a hole; shrinking gives blocks back.
  void SetSize(uint64_t size_bytes);
  // How many pages of [from, to) have no block yet.
  int64_t MissingBlocks(uint64_t from, uint64_t to) const;
  void AddBlocks(uint64_t from, uint64_t to);

  size_t Read(uint64_t at, std::span<uint8_t> into) const;
  void Write(uint64_t at, std::span<const uint8_t> bytes);  // the blocks are there
  // As StoreFile::NextWritten, exactly: the pages that hold anything but zeros.
  bool NextWritten(uint64_t from, uint64_t to, uint64_t* data_from, uint64_t* data_to) const;
  // Makes [from, to) zeros; whether it had to.
  bool Zero(uint64_t from, uint64_t to);

  // Memory for the first `size_bytes`, shared by all mappings. Stays as long as a reference.
  std::shared_ptr<uint8_t> Memory(uint64_t size_bytes);

  // Makes size, reservations and the pages that hold [from, to) durable.
  void Sync(uint64_t from, uint64_t to);

  InodeCapture Capture() const;
  // A file that is on the device as given, with nothing unsynced.
  void Restore(std::vector<uint8_t> pages, SimulatedMetadata metadata);
  // Pages stored into through a mapping that had no block: on a full device each is a SIGBUS.
  int64_t PagesWithoutBlock() const;

 private:
  void Grow(uint64_t size_bytes);
  void Changed();  // metadata_
  bool IsZero(uint64_t page) const;
  uint64_t pages() const { return capacity_bytes_ / kSimulatedPageBytes; }
  void CountBlocks();

  const BlockCount used_blocks_;
  int64_t counted_blocks_ = 0;
  std::shared_ptr<uint8_t> memory_;
  uint64_t capacity_bytes_ = 0;  // of memory_, whole pages
  SimulatedMetadata metadata_;
  std::vector<uint8_t> durable_;
  std::vector<SimulatedMetadata> history_{SimulatedMetadata()};  // see InodeCapture
};

}  // namespace apogee
