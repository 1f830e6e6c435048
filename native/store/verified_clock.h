#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace apogee {

// The time that ages are taken against: a wall clock that has jumped deletes nothing.
//
// The verified time moves on with the monotonic clock and follows the wall clock as long as that
// agrees: backwards at once, forwards by at most an hour a day beyond what has passed. A wall clock
// further ahead is doubted, at the start as well, where the newest record or what an earlier
// opening verified is what is known to have passed. It is believed again when it is back, when it
// has gone evenly for `believe_after_ms` (by then everything written before the jump really is as
// old as that), or when an operator accepts it. The time that passes while a store is closed
// therefore counts only after that; nothing is written meanwhile.
//
// Thread: now_ms() and ahead_ms() from any; the rest from one.
class VerifiedClock {
 public:
  // `known_ms`: a time that has surely passed, 0 when nothing is known.
  VerifiedClock(const Clock& clock, int64_t known_ms, int64_t believe_after_ms);

  void Look();
  void Accept();
  void SetBelieveAfter(int64_t believe_after_ms) { believe_after_ms_ = believe_after_ms; }

  int64_t now_ms() const { return verified_ms_.load(std::memory_order_acquire); }
  // By how much the wall clock was ahead when looked at, 0 while it is believed.
  int64_t ahead_ms() const { return ahead_ms_.load(std::memory_order_acquire); }

 private:
  void Remember();
  void Follow(int64_t wall_ms, int64_t expected_ms);

  const Clock& clock_;
  int64_t believe_after_ms_;
  int64_t last_wall_ms_ = 0;
  int64_t last_monotonic_us_ = 0;
  int64_t even_ms_ = 0;      // for how long the doubted clock has gone evenly
  int64_t allowed_gain_us_;  // how far the wall clock may run ahead of the monotonic one now
  std::atomic<int64_t> verified_ms_{0};
  std::atomic<int64_t> ahead_ms_{0};
};

}  // namespace apogee
