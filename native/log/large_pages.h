#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/mirrored_memory.h"

namespace apogee {

// Gives the memory of a staging ring large pages, in front of the appender in its first round
// through the ring: a device takes what is written past the page cache piece by piece, a piece is
// as long as memory is contiguous, and with small pages their number is what bounds the rate.
//
// Thread: one.
class LargePages {
 public:
  void Begin(MirroredMemory& memory);
  // A part of what the appender comes to next; `appended`: where it is. Whether there is more to
  // do now.
  bool Step(int64_t appended);

 private:
  struct Part {
    bool done = false;
    int64_t not_before = 0;  // tried again when the appender is there
  };

  MirroredMemory* memory_ = nullptr;
  std::vector<Part> parts_;
  size_t left_ = 0;   // parts that are to be tried
  int failures_ = 0;  // in a row
};

}  // namespace apogee
