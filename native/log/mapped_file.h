#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// One segment of a mapped, append-only file: fixed size, blocks reserved, mapped shared for its
// whole life.
//
// Positions are bytes within this file. wrote() counts bytes published by the one writer (release);
// readers on any thread may read below it (acquire). flushed() <= wrote(): bytes known to be on the
// device. Blocks are reserved `reserve_step_bytes` at a time ahead of the writer (the whole file
// when the step is 0), so that a full disk is a Status and never a SIGBUS. Lifetime: shared_ptr;
// the mapping lives until the last reference goes, also after Remove().
class MappedFile {
 public:
  // Opens or creates `path` (named by its start offset, 20 decimal digits). A new file gets its
  // full size at once, is synced, and its directory synced. An existing file must have exactly
  // `size_bytes`, else kCorruption.
  static Status Open(StoreIo& io, const std::string& path, int64_t start_offset,
                     uint32_t size_bytes, uint32_t reserve_step_bytes,
                     std::shared_ptr<MappedFile>* file);

  int64_t start_offset() const { return start_offset_; }
  uint32_t size() const { return size_bytes_; }
  const std::string& path() const { return path_; }

  uint32_t wrote() const { return wrote_.load(std::memory_order_acquire); }
  uint32_t flushed() const { return flushed_.load(std::memory_order_acquire); }
  bool full() const { return wrote() == size_bytes_; }

  // Writer thread only. Memory from wrote() on; PrepareWrite, fill it, then Publish(). Never moves.
  uint8_t* write_position();
  // Makes sure that blocks for the next `bytes` are reserved. Cheap when they are. kNoSpace writes
  // nothing.
  Status PrepareWrite(uint32_t bytes);
  // Writer thread: the same for [from, to), for who does not write at wrote().
  Status ReserveTo(uint32_t from, uint32_t to);
  uint32_t space_left() const { return size_bytes_ - wrote_.load(std::memory_order_relaxed); }
  void Publish(uint32_t bytes);  // wrote += bytes
  Status Append(std::span<const uint8_t>
                    bytes);  // PrepareWrite + copy + Publish; kTooLarge when it does not fit
  // Recovery only, no concurrent writer: wrote = flushed = `position`.
  void ResetPosition(uint32_t position);
  // Recovery only: everything from wrote() to the end reads as zeros, durably.
  Status ZeroTail();
  // The first part of [from, size) that was ever written, see StoreFile::NextWritten. From any
  // thread, beside the writer.
  bool NextWritten(uint32_t from, uint32_t* data_from, uint32_t* data_to) const;
  // Recovery only: makes [0, wrote) durable, whatever flushed() says. After a crash of the process
  // alone, bytes that were never synced are still there to be read.
  Status SyncAll();

  // Bytes [from, from+count) of the mapping; caller keeps the file alive and stays below wrote().
  const uint8_t* data() const { return mapping_data_; }
  uint8_t* mutable_data() { return mapping_data_; }

  // Makes everything wrote() at call time durable, then advances flushed(). One caller at a time.
  // The first failure is sticky: the kernel may have dropped the pages, so no later call answers
  // ok.
  Status Flush();
  // Writes through the file instead of the mapping, which shows it, and publishes `count` of the
  // bytes from wrote() on; Flush then syncs the file. Flush thread, and no other writer.
  // `position`: of the first byte, at or before wrote(); all of it within the file. When the parts
  // are aligned to kDirectBytes and durable direct I/O was opened, they are on the device at
  // return.
  Status WriteThrough(uint32_t position, std::span<const std::span<const uint8_t>> parts,
                      uint32_t count);
  // Opens the file for direct writes; `durable`: each of them, instead of a sync behind. Not ok:
  // the file system has none, and all goes on without.
  Status OpenDirect(bool durable);
  bool direct() const { return direct_ != nullptr; }
  // Every block holds zeros that were really written, so that a sync need not record new blocks.
  bool prewritten() const { return prewritten_; }
  void SetPrewritten() { prewritten_ = true; }  // before other threads see the file
  // Unlinks the file and syncs its directory; memory stays valid for holders of references.
  Status Remove();
  // Makes the memory of [from, to) ready for stores. From any thread, beside the writer. Best
  // effort.
  void Populate(uint32_t from, uint32_t to) { mapping_->Populate(from, to); }
  // See FileMapping. From any thread.
  size_t ResidentPages(size_t from, size_t to) const { return mapping_->ResidentPages(from, to); }
  // See FileMapping. From one thread at a time.
  void AdviseSmallWrites(bool small) {
    if (small != small_writes_.exchange(small)) mapping_->AdviseSmallWrites(small);
  }

 private:
  MappedFile() = default;
  Status Allocate(StoreIo& io);
  Status SyncRange(uint32_t from, uint32_t to);
  StoreIo* io_ = nullptr;
  std::string path_;
  int64_t start_offset_ = 0;
  uint32_t size_bytes_ = 0;
  uint8_t* mapping_data_ = nullptr;
  std::unique_ptr<StoreFile> file_;
  std::unique_ptr<FileMapping> mapping_;
  uint32_t reserve_step_bytes_ = 0;
  uint32_t reserved_ = 0;              // writer thread: blocks below are reserved; 0 when not known
  std::unique_ptr<StoreFile> direct_;  // flush thread; null: none
  bool prewritten_ = false;
  std::atomic<bool> small_writes_{false};
  bool direct_durable_ = false;   // flush thread
  bool written_through_ = false;  // flush thread: something was written since the last sync
  Status sync_failure_;           // flush thread
  std::atomic<uint32_t> wrote_{0};
  std::atomic<uint32_t> flushed_{0};
};

}  // namespace apogee
