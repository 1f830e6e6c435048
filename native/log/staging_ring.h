#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "base/status.h"
#include "io/mirrored_memory.h"

namespace apogee {

inline constexpr uint32_t kLeastStagingBytes = 64u << 10;
inline constexpr uint32_t kMostStagingBytes = 1u << 30;

// The newest bytes of the log, in memory, before they are in a file. A byte stands at its physical
// offset modulo the ring's size, and any range that fits is contiguous.
//
// Thread: At, Reserve from the appender; Bytes, Release, Fail from the committer; Begin before
// both. Bytes at and behind released(), and those before it in the same page, stay until later
// bytes need their place, which Reserve waits for.
class StagingRing {
 public:
  // `wait_ms`: how long Reserve waits for room. `on_full`: called on the appender before it waits;
  // must not block.
  StagingRing(int64_t wait_ms, std::function<void()> on_full)
      : wait_ms_(wait_ms), on_full_(std::move(on_full)) {}

  // `size_bytes`: rounded up to a power of two, at least kLeastStagingBytes.
  Status Open(uint64_t size_bytes);
  // Starts anew at `offset`; `page`: what stands before it in its page.
  void Begin(int64_t offset, std::span<const uint8_t> page);

  uint32_t size() const { return static_cast<uint32_t>(memory_->size()); }
  // The longest range that can be reserved.
  uint32_t most_bytes() const;

  uint8_t* At(int64_t offset) const { return memory_->data() + (offset & mask_); }
  // Makes [from, from + bytes) free for the appender. kBusy when the committer did not make room in
  // time; from then on at once, until it makes some. What Fail said, after it.
  Status Reserve(int64_t from, uint32_t bytes);

  std::span<const uint8_t> Bytes(int64_t from, int64_t to) const {
    return {At(from), static_cast<size_t>(to - from)};
  }
  // Everything below `offset` is in its file.
  void Release(int64_t offset);
  int64_t released() const { return released_.load(std::memory_order_acquire); }
  // No room will come any more.
  void Fail(const Status& status);

 private:
  bool Fits(int64_t end) const;

  const int64_t wait_ms_;
  const std::function<void()> on_full_;
  std::unique_ptr<MirroredMemory> memory_;
  int64_t mask_ = 0;
  int64_t gave_up_at_ = -1;  // appender: released() when it last waited in vain
  std::atomic<int64_t> released_{0};
  std::atomic<bool> waiting_{false};
  std::mutex mutex_;  // guards failure_
  std::condition_variable room_;
  Status failure_;
};

}  // namespace apogee
