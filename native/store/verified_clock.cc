#include "store/verified_clock.h"

#include <algorithm>
#include <cstdlib>

namespace apogee {
namespace {

constexpr int64_t kMaxGainUs = int64_t{3600} * 1000 * 1000;
constexpr int64_t kGainShare = 24;  // an hour a day
// What a clock that is being adjusted may differ between two looks and still go evenly.
constexpr int64_t kUnevenMs = 60 * 1000;
// Longer than this between two readings is a process that stood still meanwhile.
constexpr int64_t kApartUs = 1000 * 1000;
constexpr int kMostTries = 5;

struct Times {
  int64_t wall_ms;
  int64_t monotonic_us;
};

// Both at the same time, or the one would seem to have jumped.
Times ReadBoth(const Clock& clock) {
  for (int tries = 1;; ++tries) {
    const int64_t before_us = clock.MonotonicUs();
    const Times times{clock.NowMs(), clock.MonotonicUs()};
    if (times.monotonic_us - before_us < kApartUs || tries == kMostTries) return times;
  }
}

}  // namespace

VerifiedClock::VerifiedClock(const Clock& clock, int64_t known_ms, int64_t believe_after_ms)
    : clock_(clock),
      believe_after_ms_(believe_after_ms),
      allowed_gain_us_(kMaxGainUs) {
  Remember();
  Follow(last_wall_ms_, known_ms > 0 ? known_ms : last_wall_ms_);
}

void VerifiedClock::Remember() {
  const Times times = ReadBoth(clock_);
  last_wall_ms_ = times.wall_ms;
  last_monotonic_us_ = times.monotonic_us;
}

void VerifiedClock::Look() {
  const auto [wall_ms, monotonic_us] = ReadBoth(clock_);
  const int64_t passed_us = monotonic_us - last_monotonic_us_;
  const int64_t passed_ms = monotonic_us / 1000 - last_monotonic_us_ / 1000;
  const bool even = std::abs(wall_ms - last_wall_ms_ - passed_ms) <= kUnevenMs;
  even_ms_ = even ? even_ms_ + passed_ms : 0;
  last_wall_ms_ = wall_ms;
  last_monotonic_us_ = monotonic_us;
  allowed_gain_us_ = std::min(kMaxGainUs, allowed_gain_us_ + passed_us / kGainShare);
  Follow(wall_ms, now_ms() + passed_ms);
  if (ahead_ms() > 0 && even_ms_ >= believe_after_ms_) Accept();
}

void VerifiedClock::Follow(int64_t wall_ms, int64_t expected_ms) {
  const int64_t gain_ms = wall_ms - expected_ms;
  if (gain_ms > allowed_gain_us_ / 1000) {
    verified_ms_.store(expected_ms, std::memory_order_release);
    ahead_ms_.store(gain_ms, std::memory_order_release);
    return;
  }
  allowed_gain_us_ -= std::max<int64_t>(gain_ms, 0) * 1000;
  verified_ms_.store(wall_ms, std::memory_order_release);
  ahead_ms_.store(0, std::memory_order_release);
}

void VerifiedClock::Accept() {
  allowed_gain_us_ = kMaxGainUs;
  even_ms_ = 0;
  Remember();
  verified_ms_.store(last_wall_ms_, std::memory_order_release);
  ahead_ms_.store(0, std::memory_order_release);
}

}  // namespace apogee
