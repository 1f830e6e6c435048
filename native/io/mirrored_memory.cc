#include "io/mirrored_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "io/posix_file.h"

namespace apogee {
namespace {

constexpr char kName[] = "apogee-staging";

// A file in memory that no name leads to.
Descriptor OpenMemory() {
#if defined(__linux__)
  return Descriptor(::memfd_create(kName, MFD_CLOEXEC));
#else
  const std::string name = std::string("/") + kName + '-' + std::to_string(::getpid());
  Descriptor descriptor(::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  if (descriptor.valid()) ::shm_unlink(name.c_str());
  return descriptor;
#endif
}

}  // namespace

Status MirroredMemory::Map(size_t size_bytes, std::unique_ptr<MirroredMemory>* memory) {
  const Descriptor file = OpenMemory();
  if (!file.valid()) return LastError("memfd_create", kName);
  if (::ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) {
    return LastError("ftruncate", kName);
  }
  // One reservation keeps the place of both.
  void* place = ::mmap(nullptr, 2 * size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return LastError("mmap", kName);
  auto* data = static_cast<uint8_t*>(place);
  std::unique_ptr<MirroredMemory> mapped(new MirroredMemory(data, size_bytes));
  for (uint8_t* copy : {data, data + size_bytes}) {
    if (::mmap(copy, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.get(), 0) ==
        MAP_FAILED) {
      return LastError("mmap", kName);
    }
  }
  *memory = std::move(mapped);
  return Status::Ok();
}

MirroredMemory::~MirroredMemory() { ::munmap(data_, 2 * size_bytes_); }

}  // namespace apogee
