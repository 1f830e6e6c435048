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

// Address space with nothing behind it, that begins where a large page can.
uint8_t* ReservePlace(size_t size_bytes) {
  constexpr size_t kAlignment = MirroredMemory::kLargePageBytes;
  void* const place = ::mmap(nullptr, size_bytes + kAlignment, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<uint8_t*>(place);
  const size_t before = (kAlignment - reinterpret_cast<uintptr_t>(begin) % kAlignment) % kAlignment;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + size_bytes, kAlignment - before);
  return begin + before;
}

#if defined(MADV_POPULATE_WRITE)
constexpr int kPopulateWrite = MADV_POPULATE_WRITE;
#else
constexpr int kPopulateWrite = 23;  // Linux 5.14; older kernels answer EINVAL
#endif
#if defined(MADV_COLLAPSE)
constexpr int kCollapse = MADV_COLLAPSE;
#else
constexpr int kCollapse = 25;  // Linux 6.1
#endif

}  // namespace

Status MirroredMemory::Map(size_t size_bytes, std::unique_ptr<MirroredMemory>* memory) {
  const Descriptor file = OpenMemory();
  if (!file.valid()) return LastError("memfd_create", kName);
  if (::ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) {
    return LastError("ftruncate", kName);
  }
  uint8_t* const data = ReservePlace(2 * size_bytes);
  if (data == nullptr) return LastError("mmap", kName);
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

// Filled first: only what is there can be collapsed, and to fill it page by page is cheaper.
bool MirroredMemory::MakeLargePage(size_t at) {
  return ::madvise(data_ + at, kLargePageBytes, kPopulateWrite) == 0 &&
         ::madvise(data_ + at, kLargePageBytes, kCollapse) == 0;
}

MirroredMemory::~MirroredMemory() { ::munmap(data_, 2 * size_bytes_); }

}  // namespace apogee
