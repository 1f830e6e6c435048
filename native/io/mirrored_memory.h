#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/status.h"

namespace apogee {

// Anonymous memory that is mapped twice, one copy right behind the other: any range of at most
// size() bytes that starts in the first copy is contiguous. Pages are taken when first touched.
// Unmapped by the destructor. Thread: any; the owner orders accesses.
class MirroredMemory {
 public:
  // `size_bytes`: a multiple of the page size.
  static Status Map(size_t size_bytes, std::unique_ptr<MirroredMemory>* memory);
  ~MirroredMemory();
  MirroredMemory(const MirroredMemory&) = delete;
  MirroredMemory& operator=(const MirroredMemory&) = delete;

  static constexpr size_t kLargePageBytes = 2u << 20;
  // Backs [at, at + kLargePageBytes) by one page; `at`: a multiple of that. Beside who uses the
  // memory, who may have to wait for it. False: the system has no such page, or not now.
  bool MakeLargePage(size_t at);

  uint8_t* data() const { return data_; }
  size_t size() const { return size_bytes_; }

 private:
  MirroredMemory(uint8_t* data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}

  uint8_t* const data_;
  const size_t size_bytes_;
};

}  // namespace apogee
