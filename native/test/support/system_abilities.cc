#include "test/support/system_abilities.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

namespace apogee::test {

int64_t LargeBytes() {
  const std::string name = "ShmemPmdMapped:";
  std::ifstream maps("/proc/self/smaps");
  int64_t bytes = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.rfind(name, 0) == 0) bytes += std::stoll(line.substr(name.size())) * 1024;
  }
  return bytes;
}

bool SystemMakesLargePages() {
  constexpr size_t kLarge = 2u << 20;
  constexpr int kCollapse = 25;  // MADV_COLLAPSE
  const int file = ::memfd_create("apogee-test", MFD_CLOEXEC);
  void* const place = ::mmap(nullptr, 2 * kLarge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file < 0 || place == MAP_FAILED || ::ftruncate(file, kLarge) != 0) return false;
  const auto address = (reinterpret_cast<uintptr_t>(place) + kLarge - 1) / kLarge * kLarge;
  void* const aligned = ::mmap(reinterpret_cast<void*>(address), kLarge, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_FIXED, file, 0);
  bool made = false;
  if (aligned != MAP_FAILED) {
    std::memset(aligned, 1, kLarge);
    made = ::madvise(aligned, kLarge, kCollapse) == 0;
  }
  ::munmap(place, 2 * kLarge);
  ::close(file);
  return made;
}

bool CanForget(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool can = ::ftruncate(file, 4096) == 0 &&
                   ::fallocate(file, FALLOC_FL_ZERO_RANGE, 0, 4096) == 0;
  ::close(file);
  ::unlink(path.c_str());
  return can;
}

}  // namespace apogee::test
