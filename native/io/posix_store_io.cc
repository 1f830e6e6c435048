#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "io/posix_file.h"
#include "io/store_io.h"

namespace apogee {
namespace {

constexpr mode_t kDirectoryMode = 0755;

using FileId = std::pair<dev_t, ino_t>;

// Record locks belong to the process: a second lock on a file we hold would succeed, and closing
// any descriptor of that file would drop the first. So the files held are remembered here, and
// looked up before the file is even opened.
struct HeldLocks {
  std::mutex mutex;
  std::set<FileId> files;
};

HeldLocks& Held() {
  static HeldLocks held;
  return held;
}

class PosixLock final : public FileLock {
 public:
  PosixLock(Descriptor descriptor, FileId file) : descriptor_(std::move(descriptor)), file_(file) {}
  ~PosixLock() override {
    const std::lock_guard lock(Held().mutex);
    { const Descriptor closing = std::move(descriptor_); }
    Held().files.erase(file_);
  }

 private:
  Descriptor descriptor_;
  const FileId file_;
};

std::string ParentOf(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  const size_t slash = last == std::string::npos ? std::string::npos : path.rfind('/', last);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixIo final : public StoreIo {
 public:
  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<StoreFile>* file) override {
    int flags = mode == OpenMode::kRead ? O_RDONLY : O_RDWR;
    if (mode == OpenMode::kCreate) flags |= O_CREAT;
    if (mode == OpenMode::kDirect || mode == OpenMode::kDirectUnsynced) {
#if defined(O_DIRECT)
      flags |= mode == OpenMode::kDirect ? O_DIRECT | O_DSYNC : O_DIRECT;
#else
      return Status::FromErrno(EINVAL, "open " + path + " for direct I/O");
#endif
    }
    Descriptor descriptor = OpenDescriptor(path, flags);
    if (!descriptor.valid()) return LastError("open", path);
    *file = MakePosixFile(std::move(descriptor), path);
    return Status::Ok();
  }

  Status CreateDirectories(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return Status::Ok();
      return Status::FromErrno(ENOTDIR, "mkdir " + path);
    }
    const std::string parent = ParentOf(path);
    if (parent != path) APOGEE_RETURN_IF_ERROR(CreateDirectories(parent));
    if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return LastError("mkdir", path);
    }
    return SyncDirectory(parent);
  }

  Status SyncDirectory(const std::string& path) override {
    const Descriptor descriptor = OpenDescriptor(path, O_RDONLY | O_DIRECTORY);
    if (!descriptor.valid()) return LastError("open", path);
    int result = ::fsync(descriptor.get());
    while (result != 0 && errno == EINTR) result = ::fsync(descriptor.get());
    return result == 0 ? Status::Ok() : LastError("fsync", path);
  }

  Status List(const std::string& path, std::vector<DirEntry>* entries) override {
    entries->clear();
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (!directory) return LastError("opendir", path);
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info {};
      if (::fstatat(::dirfd(directory.get()), entry->d_name, &info, 0) != 0) {
        if (errno == ENOENT) continue;  // gone since, or a dangling link
        return LastError("fstatat", path + '/' + entry->d_name);
      }
      entries->push_back(
          {std::string(name), S_ISDIR(info.st_mode), static_cast<uint64_t>(info.st_size)});
    }
    if (errno != 0) return LastError("readdir", path);
    std::sort(entries->begin(), entries->end(),
              [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    return Status::Ok();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    return std::rename(from.c_str(), to.c_str()) == 0 ? Status::Ok() : LastError("rename", from);
  }

  Status Remove(const std::string& path) override {
    return std::remove(path.c_str()) == 0 ? Status::Ok() : LastError("remove", path);
  }

  bool Exists(const std::string& path) override {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
  }

  Status Space(const std::string& path, SpaceInfo* space) override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return LastError("statvfs", path);
    space->total_bytes = static_cast<uint64_t>(info.f_blocks) * info.f_frsize;
    space->free_bytes = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
    space->used_bytes = static_cast<uint64_t>(info.f_blocks - info.f_bfree) * info.f_frsize;
    return Status::Ok();
  }

  Status Lock(const std::string& path, std::unique_ptr<FileLock>* lock) override {
    const std::lock_guard guard(Held().mutex);
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && Held().files.contains({info.st_dev, info.st_ino})) {
      return Status::Error(StatusCode::kLocked, path + " is held by this process");
    }
    Descriptor descriptor = OpenDescriptor(path, O_RDWR | O_CREAT);
    if (!descriptor.valid()) return LastError("open", path);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = 0;
    range.l_len = 1;
    if (::fcntl(descriptor.get(), F_SETLK, &range) != 0) {
      if (errno == EACCES || errno == EAGAIN) {
        return Status::Error(StatusCode::kLocked, path + " is held by another process");
      }
      return LastError("fcntl", path);
    }
    APOGEE_RETURN_IF_ERROR(WriteLockText(descriptor.get(), path));
    if (::fstat(descriptor.get(), &info) != 0) return LastError("fstat", path);
    const FileId file{info.st_dev, info.st_ino};
    Held().files.insert(file);
    *lock = std::make_unique<PosixLock>(std::move(descriptor), file);
    return Status::Ok();
  }

 private:
  // What Java leaves in the file.
  static Status WriteLockText(int fd, const std::string& path) {
    constexpr std::string_view text = "lock";
    const ssize_t count = ::pwrite(fd, text.data(), text.size(), 0);
    if (count != static_cast<ssize_t>(text.size())) return LastError("pwrite", path);
    return ::fsync(fd) == 0 ? Status::Ok() : LastError("fsync", path);
  }
};

}  // namespace

Status StoreFile::WriteParts(uint64_t at, std::span<const std::span<const uint8_t>> parts) {
  for (const auto part : parts) {
    APOGEE_RETURN_IF_ERROR(Write(at, part));
    at += part.size();
  }
  return Status::Ok();
}

StoreIo& PosixStoreIo() {
  static PosixIo io;
  return io;
}

}  // namespace apogee
