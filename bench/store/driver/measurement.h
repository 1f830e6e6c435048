#pragma once

#include <cstdint>
#include <string>

#include "latency_histogram.h"
#include "options.h"
#include "process_counters.h"

namespace apogee::bench {

class Backend;

// What one run gave.
struct Measurement {
  LatencyHistogram latencies;  // one entry for each append; for each group of 32 under kPaced
  int64_t operations = 0;      // appends acknowledged in the measured time
  int64_t log_bytes = 0;       // by which the log grew in the measured time
  double seconds = 0;
  int64_t cpu_us = 0;
  int64_t device_bytes = -1;  // -1: cannot be had
  MemoryUse memory;           // at the end of the measured time
};

// Runs the load on an open backend: unmeasured for the warm-up, then measured, then everything is
// made durable, since the device bytes of an append may be written after it is acknowledged.
// Returns the first error.
std::string Measure(const Options& options, Backend& backend, Measurement* into);

}  // namespace apogee::bench
