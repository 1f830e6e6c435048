#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// The mapping of one file of a queue. Keeps no descriptor.
//
// Thread: any; the one writer of the queue orders its stores before readers by the queue's end.
// Lifetime: shared_ptr; the memory is good as long as one is held, also after the file was removed.
class QueueFile {
 public:
  // `path` must have at least `size_bytes`.
  static Status Map(StoreIo& io, const std::string& path, int64_t start_offset, uint32_t size_bytes,
                    std::shared_ptr<QueueFile>* file);

  int64_t start_offset() const { return start_offset_; }
  uint32_t size() const { return size_bytes_; }
  const uint8_t* data() const { return data_; }
  uint8_t* mutable_data() { return data_; }
  // Makes [from, to) durable.
  Status Sync(uint32_t from, uint32_t to) { return mapping_->Sync(from, to); }

  // Says that the mapping was of use, so that it is not the next to go.
  void Touch() {
    if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  }

 private:
  friend class QueueMappings;
  QueueFile() = default;

  int64_t start_offset_ = 0;
  uint32_t size_bytes_ = 0;
  uint8_t* data_ = nullptr;
  std::unique_ptr<FileMapping> mapping_;
  std::atomic<bool> used_{true};
  // Guarded by the QueueMappings that keeps this file.
  std::list<std::shared_ptr<QueueFile>>::iterator place_;
  bool kept_ = false;
};

}  // namespace apogee
