#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "base/status.h"
#include "io/mirrored_memory.h"

namespace apogee {

inline constexpr uint32_t kLeastStagingBytes = 64u << 10;
inline constexpr uint32_t kMostStagingBytes = 1u << 30;

// The newest bytes of the log, in memory, before they are in a file and for a while after. A byte
// stands at its physical offset modulo the ring's size, and any range that fits is contiguous.
//
// Thread: At, Reserve from the appender; Bytes of what is not released, Release, Fail from the
// committer; Pin from any; Begin before all. Bytes at and behind released(), those before it in the
// same page, and those at and behind a pin, stay until later bytes need their place, which Reserve
// waits for.
class StagingRing {
 public:
  class Pin;

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

  MirroredMemory& memory() { return *memory_; }  // after Open; what stands in it stays the ring's
  uint8_t* At(int64_t offset) const { return memory_->data() + (offset & mask_); }
  // Makes [from, from + bytes) free for the appender. kBusy when the committer, or who holds a pin,
  // did not make room in time; after the committer did not, from then on at once, until it makes
  // some. What Fail said, after it.
  Status Reserve(int64_t from, uint32_t bytes);

  std::span<const uint8_t> Bytes(int64_t from, int64_t to) const {
    return {At(from), static_cast<size_t>(to - from)};
  }
  // Keeps everything from `from` on, up to what the appender has published, where it is. Refused
  // (an empty pin) when `from` is not in the ring any more or so old that the appender would soon
  // need its place, or too many hold pins. For short: the appender may have to wait for it.
  Pin PinFrom(int64_t from);
  // Everything below `offset` is in its file.
  void Release(int64_t offset);
  int64_t released() const { return released_.load(std::memory_order_acquire); }
  // No room will come any more.
  void Fail(const Status& status);

 private:
  static constexpr int64_t kNoPin = -1;
  static constexpr size_t kMostPins = 4;

  bool ReleasedFits(int64_t end) const;
  bool Fits(int64_t end);
  void Unpin(std::atomic<int64_t>* pin);
  void TellAppender();

  const int64_t wait_ms_;
  const std::function<void()> on_full_;
  std::unique_ptr<MirroredMemory> memory_;
  int64_t mask_ = 0;
  int64_t begin_ = 0;        // nothing older was ever in the ring
  int64_t gave_up_at_ = -1;  // appender: released() when it last waited for that in vain
  // Who pins stores its offset and then looks at reserved_; who reserves stores that and then looks
  // at the pins. All of it sequentially consistent: at least one of the two sees the other.
  std::atomic<int64_t> reserved_{0};  // the appender may write below
  std::array<std::atomic<int64_t>, kMostPins> pins_{kNoPin, kNoPin, kNoPin, kNoPin};
  std::atomic<int64_t> released_{0};
  std::atomic<bool> waiting_{false};
  std::mutex mutex_;  // guards failure_
  std::condition_variable room_;
  Status failure_;
};

// Held by a reader of the ring. Empty: nothing is kept.
class StagingRing::Pin {
 public:
  Pin() = default;
  Pin(Pin&& other) noexcept : ring_(std::exchange(other.ring_, nullptr)), place_(other.place_) {}
  Pin& operator=(Pin&& other) noexcept {
    std::swap(ring_, other.ring_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~Pin() {
    if (ring_ != nullptr) ring_->Unpin(place_);
  }
  explicit operator bool() const { return ring_ != nullptr; }
  // From now on only what is at and behind `from` is kept, which must not be before what it was.
  void MoveTo(int64_t from) {
    if (place_->exchange(from, std::memory_order_seq_cst) != from) ring_->TellAppender();
  }

 private:
  friend class StagingRing;
  Pin(StagingRing* ring, std::atomic<int64_t>* place) : ring_(ring), place_(place) {}

  StagingRing* ring_ = nullptr;
  std::atomic<int64_t>* place_ = nullptr;
};

}  // namespace apogee
