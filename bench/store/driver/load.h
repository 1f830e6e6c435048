#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "latency_histogram.h"
#include "options.h"

namespace apogee::bench {

// Bodies of random bytes, a different one each time for a while. Views into one buffer.
class BodySource {
 public:
  explicit BodySource(int32_t body_bytes);
  // `count` bodies, valid as long as this object and until the next call.
  std::span<const Body> Take(size_t count);

 private:
  const size_t body_bytes_;
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
  std::vector<Body> bodies_;
};

// One kind of load on a backend. It keeps its state from run to run, so that a warm-up and the
// measured time are one load.
class LoadRun {
 public:
  virtual ~LoadRun() = default;
  // Brings the log into the state that the load is about. Before the first RunUntil.
  virtual std::string Fill() { return {}; }
  // Loads until the monotonic time `until_ns` or until the log's end is at `max_end`. Latencies go
  // to `into`. Returns the first error.
  virtual std::string RunUntil(int64_t until_ns, int64_t max_end, LatencyHistogram* into) = 0;

  int64_t operations() const { return operations_; }  // acknowledged so far
  int64_t end() const { return end_; }                // of the log

 protected:
  int64_t operations_ = 0;
  int64_t end_ = 0;
};

std::unique_ptr<LoadRun> MakeLoad(const Options& options, Backend& backend);

}  // namespace apogee::bench
