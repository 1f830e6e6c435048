#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "format/index_layout.h"
#include "io/store_io.h"

namespace apogee {

// How many slots and items the index files of a store have.
struct IndexSize {
  uint32_t slots = 5000000;
  uint32_t items = 20000000;  // item 0 is unused
};

// A hash table in one mapped file: key hash -> physical offsets of records, newest first.
//
// Header and slots have their blocks from the start, items get them in steps: a full disk is a
// Status. Thread: Open, KeepItems on the opening thread; Put on the dispatch thread; Flush on one
// thread at a time; Select, header() on any. Lifetime: shared_ptr; memory stays valid for holders
// after Remove().
class IndexFile {
 public:
  // A new file inherits the end of the one before it, when there is one. Synced with its directory.
  static Status Create(StoreIo& io, const std::string& path, IndexSize size,
                       const IndexHeader* before, std::shared_ptr<IndexFile>* file);
  // kCorruption when size or header cannot be those of an index file.
  static Status Open(StoreIo& io, const std::string& path, IndexSize size,
                     std::shared_ptr<IndexFile>* file);

  const std::string& path() const { return path_; }
  IndexHeader header() const;
  bool full() const {
    return count_.load(std::memory_order_acquire) >= static_cast<int32_t>(size_.items);
  }

  // Adds an item. kNoSpace: nothing was added. Must not be full.
  Status Put(int32_t key_hash, PhysicalOffset offset, int64_t store_time_ms);

  // Whether records stored in [begin_ms, end_ms] may be in here, by Java's rule.
  bool Overlaps(int64_t begin_ms, int64_t end_ms) const;
  // Appends offsets of items with this hash and a time in [begin_ms, end_ms] until `offsets` has
  // `max_count`.
  void Select(int32_t key_hash, size_t max_count, int64_t begin_ms, int64_t end_ms,
              std::vector<PhysicalOffset>* offsets) const;

  // Recovery: the item's own fields, 1 <= number < header().count.
  IndexItem Item(int32_t number) const;
  // Recovery: drops items from `count` on and makes slots and chains anew from those that stay, so
  // that nothing depends on pages that were never synced. `end_time_ms`: store time of the last
  // item's record.
  void KeepItems(int32_t count, int64_t end_time_ms);

  // The next Flush syncs it whether or not anything was put.
  void MarkDirty() { dirty_.store(true, std::memory_order_release); }
  bool dirty() const { return dirty_.load(std::memory_order_acquire); }
  Status Flush();
  Status Remove();

 private:
  IndexFile(StoreIo& io, std::string path, IndexSize size)
      : io_(io), path_(std::move(path)), size_(size) {}
  Status Allocate();
  Status Map();
  Status ReserveItem(int32_t number);
  int32_t LoadSlot(uint32_t slot) const;
  void StoreSlot(uint32_t slot, int32_t number);
  uint8_t* ItemAt(int32_t number) const;
  void SetHeader(const IndexHeader& header);
  void WriteHeader();

  StoreIo& io_;
  const std::string path_;
  const IndexSize size_;
  std::unique_ptr<StoreFile> file_;
  std::unique_ptr<FileMapping> mapping_;
  uint8_t* data_ = nullptr;
  uint64_t reserved_to_ = 0;  // dispatch thread
  std::atomic<bool> dirty_{false};

  // The header; readers look here, the mapped copy is for the disk.
  std::atomic<int64_t> begin_time_ms_{0};
  std::atomic<int64_t> end_time_ms_{0};
  std::atomic<int64_t> begin_offset_{0};
  std::atomic<int64_t> end_offset_{0};
  std::atomic<int32_t> used_slots_{0};
  std::atomic<int32_t> count_{1};
};

}  // namespace apogee
