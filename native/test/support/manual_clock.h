#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace apogee::test {

// A clock that stands still until it is moved. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1700000000000) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_.load(); }
  int64_t MonotonicUs() const override { return monotonic_us_.load(); }
  // The wall clock alone: what an operator or a time server does to it.
  void Jump(int64_t ms) { now_ms_ += ms; }
  void Advance(int64_t ms) {
    now_ms_ += ms;
    monotonic_us_ += ms * 1000;
  }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> monotonic_us_{0};
};

}  // namespace apogee::test
