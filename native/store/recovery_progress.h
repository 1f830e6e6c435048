#pragma once

#include <cstdint>

#include "base/clock.h"
#include "store/message_store.h"

namespace apogee {

// Tells how far a walk over the log has come, about each 64 MiB or half second. Opening thread.
class ProgressReporter {
 public:
  ProgressReporter(const Clock& clock, const std::function<void(const RecoveryProgress&)>& listener)
      : clock_(clock), listener_(listener) {}

  // A walk of `total_bytes` begins, or is found to be longer.
  void Begin(RecoveryPhase phase, int64_t total_bytes) {
    if (!listener_) return;
    progress_ = {phase, 0, total_bytes};
    Tell();
  }
  // Cheap unless there is something to tell.
  void Reached(int64_t done_bytes) {
    if (done_bytes < next_look_) return;
    next_look_ = done_bytes + kLookBytes;
    if (!listener_) return;
    const bool much = done_bytes - progress_.done_bytes >= kTellBytes;
    if (!much && clock_.MonotonicUs() - told_at_us_ < kTellUs) return;
    progress_.done_bytes = done_bytes;
    Tell();
  }
  void End() {
    next_look_ = 0;
    if (!listener_) return;
    progress_.done_bytes = progress_.total_bytes;
    Tell();
  }

 private:
  static constexpr int64_t kLookBytes = 1 << 20;
  static constexpr int64_t kTellBytes = 64 << 20;
  static constexpr int64_t kTellUs = 500000;

  void Tell() {
    told_at_us_ = clock_.MonotonicUs();
    listener_(progress_);
  }

  const Clock& clock_;
  const std::function<void(const RecoveryProgress&)>& listener_;
  RecoveryProgress progress_;
  int64_t next_look_ = 0;
  int64_t told_at_us_ = 0;
};

}  // namespace apogee
