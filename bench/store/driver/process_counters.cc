#include "process_counters.h"

#include <sys/resource.h>
#include <time.h>

#include <fstream>
#include <sstream>

namespace apogee::bench {
namespace {

constexpr int64_t kSectorBytes = 512;    // of the kernel's counters, whatever the device has
constexpr int kWrittenSectorsField = 6;  // from 0, Documentation/block/stat
constexpr int64_t kBytesPerKilobyte = 1024;

int64_t WrittenBytes(const std::string& device_stat) {
  if (device_stat.empty()) return -1;
  std::ifstream file(device_stat);
  int64_t field = -1;
  for (int i = 0; i <= kWrittenSectorsField; ++i) {
    if (!(file >> field)) return -1;
  }
  return field * kSectorBytes;
}

}  // namespace

ProcessCounters ReadCounters(const std::string& device_stat) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto micros = [](const timeval& at) {
    return static_cast<int64_t>(at.tv_sec) * 1000000 + at.tv_usec;
  };
  return {micros(used.ru_utime) + micros(used.ru_stime), WrittenBytes(device_stat)};
}

MemoryUse ReadMemoryUse() {
  MemoryUse use;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t kilobytes = 0;
    if (!(words >> name >> kilobytes)) continue;
    if (name == "VmRSS:") use.resident_bytes = kilobytes * kBytesPerKilobyte;
    if (name == "RssAnon:") use.anonymous_bytes = kilobytes * kBytesPerKilobyte;
  }
  return use;
}

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace apogee::bench
