#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace apogee {

// Where appends ended, one for each MiB of the log: places between which a large part of it can be
// written in steps, each of which ends with a whole record.
//
// Thread: Add from the appender, before it publishes the end; AtOrBehind from who has seen that.
// Open before both. What is asked about must still be in a ring of the size given to Open.
class AppendEnds {
 public:
  static constexpr int64_t kStepBytes = 1 << 20;

  void Open(uint64_t ring_bytes) { ends_.resize(ring_bytes / kStepBytes + 2); }
  // An append covers [from, to).
  void Add(int64_t from, int64_t to) {
    for (int64_t step = to / kStepBytes; step > from / kStepBytes; --step) Place(step) = to;
  }
  // The first end at or behind `step_begin`, a multiple of kStepBytes that is not behind the last
  // append.
  int64_t AtOrBehind(int64_t step_begin) { return Place(step_begin / kStepBytes); }

 private:
  int64_t& Place(int64_t step) { return ends_[static_cast<size_t>(step) % ends_.size()]; }

  std::vector<int64_t> ends_;
};

}  // namespace apogee
