#pragma once

#include <cstdint>
#include <string>

namespace apogee::bench {

// What this process has used, and what its device has written, up to now.
struct ProcessCounters {
  int64_t cpu_us = 0;                 // user and system, all threads
  int64_t device_bytes_written = -1;  // by everybody on the machine; -1: cannot be had
};

struct MemoryUse {
  int64_t resident_bytes = -1;   // mapped log files included
  int64_t anonymous_bytes = -1;  // heap, stacks, buffers; -1: cannot be had
};

// `device_stat`: /sys/dev/block/MAJOR:MINOR/stat, or empty.
ProcessCounters ReadCounters(const std::string& device_stat);
MemoryUse ReadMemoryUse();

// CLOCK_MONOTONIC in nanoseconds.
int64_t NowNs();

}  // namespace apogee::bench
