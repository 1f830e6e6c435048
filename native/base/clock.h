#pragma once

#include <cstdint>

namespace apogee {

// The engine's only source of time. Injected; tests move their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMs() const = 0;        // wall clock since the epoch; may jump
  virtual int64_t MonotonicUs() const = 0;  // never goes back
};

// The machine's clock. Lives for the whole process.
const Clock& SystemClock();

}  // namespace apogee
