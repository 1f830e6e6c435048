#include "io/posix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace apogee {
namespace {

constexpr mode_t kFileMode = 0644;
constexpr size_t kZeroChunkBytes = 1 << 20;

#if defined(MADV_POPULATE_WRITE)
constexpr int kPopulateWrite = MADV_POPULATE_WRITE;
#else
constexpr int kPopulateWrite = 23;  // Linux 5.14; older kernels answer EINVAL
#endif

size_t PageBytes() {
  static const auto bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// Calls until it is not interrupted.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Pages asked about with one system call.
constexpr size_t kMostPagesAsked = 256;

class PosixMapping final : public FileMapping {
 public:
  PosixMapping(uint8_t* data, size_t size, std::string path)
      : data_(data), size_(size), path_(std::move(path)) {}
  ~PosixMapping() override { ::munmap(data_, size_); }

  uint8_t* data() override { return data_; }
  size_t size() const override { return size_; }

  Status Sync(size_t from, size_t to) override {
    to = std::min(to, size_);
    if (from >= to) return Status::Ok();
    from -= from % PageBytes();
    if (Uninterrupted([&] { return ::msync(data_ + from, to - from, MS_SYNC); }) != 0) {
      return LastError("msync", path_);
    }
    return Status::Ok();
  }

  void Populate(size_t from, size_t to) override {
    to = std::min(to, size_);
    if (from >= to) return;
    from -= from % PageBytes();
    // No fallback: storing into each page here would race with the writer.
    [[maybe_unused]] const int ignored = ::madvise(data_ + from, to - from, kPopulateWrite);
  }

  void AdviseSmallWrites(bool small) override {
    [[maybe_unused]] const int ignored = ::madvise(data_, size_, small ? MADV_RANDOM : MADV_NORMAL);
  }

  size_t ResidentPages(size_t from, size_t to) const override {
    to = std::min(to, size_);
    if (from >= to || PageBytes() != kResidencyPageBytes) {
      return FileMapping::ResidentPages(from, to);
    }
    from -= from % kResidencyPageBytes;
    const size_t pages = (to - from + kResidencyPageBytes - 1) / kResidencyPageBytes;
    unsigned char flags[kMostPagesAsked];
    size_t resident = 0;
    while (resident < pages) {
      const size_t asked = std::min(pages - resident, kMostPagesAsked);
      uint8_t* const at = data_ + from + resident * kResidencyPageBytes;
      // Cannot tell: reading finds out.
      if (::mincore(at, asked * kResidencyPageBytes, flags) != 0) return pages;
      const auto* const end = flags + asked;
      const auto* const gone =
          std::find_if(flags, flags + asked, [](auto f) { return (f & 1) == 0; });
      resident += static_cast<size_t>(gone - flags);
      if (gone != end) break;
    }
    return resident;
  }

 private:
  uint8_t* const data_;
  const size_t size_;
  const std::string path_;
};

class PosixFile final : public StoreFile {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status Size(uint64_t* size_bytes) override {
    struct stat info {};
    if (::fstat(fd(), &info) != 0) return LastError("fstat", path_);
    *size_bytes = static_cast<uint64_t>(info.st_size);
    return Status::Ok();
  }

  Status Reserve(uint64_t from, uint64_t to) override {
    if (from >= to) return Status::Ok();
    uint64_t size_bytes = 0;
    APOGEE_RETURN_IF_ERROR(Size(&size_bytes));
    // The size is set apart and last, so that a crash leaves either the old size or the new one.
    const int result = Uninterrupted([&] {
      return ::fallocate(fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                         static_cast<off_t>(to - from));
    });
    if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
      return ReserveByWriting(from, to, size_bytes);
    }
    if (result != 0) return AfterFailedReserve(LastError("fallocate", path_), size_bytes);
    return to > size_bytes ? Truncate(to) : Status::Ok();
  }

  Status Truncate(uint64_t size_bytes) override {
    if (Uninterrupted([&] { return ::ftruncate(fd(), static_cast<off_t>(size_bytes)); }) != 0) {
      return LastError("ftruncate", path_);
    }
    return Status::Ok();
  }

  Status Read(uint64_t at, std::span<uint8_t> into, size_t* read_bytes) override {
    *read_bytes = 0;
    while (*read_bytes < into.size()) {
      const ssize_t count = Uninterrupted([&] {
        return ::pread(fd(), into.data() + *read_bytes, into.size() - *read_bytes,
                       static_cast<off_t>(at + *read_bytes));
      });
      if (count < 0) return LastError("pread", path_);
      if (count == 0) break;
      *read_bytes += static_cast<size_t>(count);
    }
    return Status::Ok();
  }

  Status Write(uint64_t at, std::span<const uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = Uninterrupted(
          [&] { return ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(at)); });
      if (count < 0) return LastError("pwrite", path_);
      bytes = bytes.subspan(static_cast<size_t>(count));
      at += static_cast<uint64_t>(count);
    }
    return Status::Ok();
  }

  Status WriteParts(uint64_t at, std::span<const std::span<const uint8_t>> parts) override {
    constexpr size_t kAtOnce = 8;
    if (parts.size() > kAtOnce) return StoreFile::WriteParts(at, parts);
    struct iovec vectors[kAtOnce];
    size_t total = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      vectors[i] = {const_cast<uint8_t*>(parts[i].data()), parts[i].size()};
      total += parts[i].size();
    }
    if (total == 0) return Status::Ok();
    const ssize_t count = Uninterrupted([&] {
      return ::pwritev(fd(), vectors, static_cast<int>(parts.size()), static_cast<off_t>(at));
    });
    if (count < 0) return LastError("pwritev", path_);
    return static_cast<size_t>(count) == total ? Status::Ok()
                                               : WriteRest(at, parts, static_cast<size_t>(count));
  }

  Status Sync() override {
    if (Uninterrupted([&] { return ::fdatasync(fd()); }) != 0) return LastError("fdatasync", path_);
    return Status::Ok();
  }

  Status Zero(uint64_t from, uint64_t to, bool* changed) override {
    *changed = false;
    while (from < to) {
      uint64_t data_from = from;
      uint64_t data_to = to;
      if (!NextWritten(from, to, &data_from, &data_to)) return Status::Ok();
      APOGEE_RETURN_IF_ERROR(ZeroWritten(data_from, data_to, changed));
      from = data_to;
    }
    return Status::Ok();
  }

  bool Forget(uint64_t from, uint64_t to) override {
    return Uninterrupted([&] {
             return ::fallocate(fd(), FALLOC_FL_ZERO_RANGE, static_cast<off_t>(from),
                                static_cast<off_t>(to - from));
           }) == 0;
  }

  bool NextWritten(uint64_t from, uint64_t to, uint64_t* data_from, uint64_t* data_to) override {
    *data_from = from;
    *data_to = to;
    if (from >= to) return false;
    const off_t begin = ::lseek(fd(), static_cast<off_t>(from), SEEK_DATA);
    if (begin < 0) return errno != ENXIO;  // cannot tell: take all as written
    if (static_cast<uint64_t>(begin) >= to) return false;
    *data_from = static_cast<uint64_t>(begin);
    const off_t end = ::lseek(fd(), begin, SEEK_HOLE);
    if (end > begin) *data_to = std::min(to, static_cast<uint64_t>(end));
    return true;
  }

  Status Map(size_t size_bytes, bool writable, std::unique_ptr<FileMapping>* mapping) override {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* data = ::mmap(nullptr, size_bytes, protection, MAP_SHARED, fd(), 0);
    if (data == MAP_FAILED) return LastError("mmap", path_);
    *mapping = std::make_unique<PosixMapping>(static_cast<uint8_t*>(data), size_bytes, path_);
    return Status::Ok();
  }

 private:
  int fd() const { return descriptor_.get(); }

  // What a short write left over.
  Status WriteRest(uint64_t at, std::span<const std::span<const uint8_t>> parts, size_t written) {
    for (const auto part : parts) {
      const size_t skipped = std::min(written, part.size());
      written -= skipped;
      APOGEE_RETURN_IF_ERROR(Write(at + skipped, part.subspan(skipped)));
      at += part.size();
    }
    return Status::Ok();
  }

  // Gives back blocks taken behind the end, and the size.
  Status AfterFailedReserve(Status failure, uint64_t size_bytes) {
    const Status restored = Truncate(size_bytes);
    return restored.ok() || failure.code() == StatusCode::kNoSpace ? failure : restored;
  }

  // For file systems without fallocate: rewrites each block of the range with what it holds. The
  // size is set first, so that a crash leaves either the old one or the new one.
  Status ReserveByWriting(uint64_t from, uint64_t to, uint64_t size_bytes) {
    if (to > size_bytes) APOGEE_RETURN_IF_ERROR(Truncate(to));
    std::vector<uint8_t> chunk(kZeroChunkBytes);
    for (uint64_t at = from; at < to; at += chunk.size()) {
      const auto count = static_cast<size_t>(std::min<uint64_t>(chunk.size(), to - at));
      size_t held = 0;
      Status step = Read(at, std::span(chunk).first(count), &held);
      std::fill(chunk.begin() + static_cast<ptrdiff_t>(held), chunk.end(), uint8_t{0});
      if (step.ok()) step = Write(at, std::span(chunk).first(count));
      if (!step.ok()) return AfterFailedReserve(step, size_bytes);
    }
    return Status::Ok();
  }

  Status ZeroWritten(uint64_t from, uint64_t to, bool* changed) {
    std::vector<uint8_t> chunk(static_cast<size_t>(std::min<uint64_t>(kZeroChunkBytes, to - from)));
    while (from < to) {
      const auto count = static_cast<size_t>(std::min<uint64_t>(chunk.size(), to - from));
      const auto part = std::span(chunk).first(count);
      size_t held = 0;
      APOGEE_RETURN_IF_ERROR(Read(from, part, &held));
      if (std::any_of(part.begin(), part.begin() + static_cast<ptrdiff_t>(held),
                      [](uint8_t byte) { return byte != 0; })) {
        std::fill(part.begin(), part.end(), uint8_t{0});
        APOGEE_RETURN_IF_ERROR(Write(from, part));
        *changed = true;
      }
      from += count;
    }
    return Status::Ok();
  }

  const Descriptor descriptor_;
  const std::string path_;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor OpenDescriptor(const std::string& path, int flags) {
  return Descriptor(
      Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
}

std::unique_ptr<StoreFile> MakePosixFile(Descriptor descriptor, std::string path) {
  return std::make_unique<PosixFile>(std::move(descriptor), std::move(path));
}

Status LastError(const char* call, const std::string& path) {
  return Status::FromErrno(errno, std::string(call) + ' ' + path);
}

}  // namespace apogee
