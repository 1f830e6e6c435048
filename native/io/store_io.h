#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace apogee {

// A file mapped shared into memory. Unmapped by the destructor. Thread: any; the owner orders
// accesses.
class FileMapping {
 public:
  virtual ~FileMapping() = default;
  virtual uint8_t* data() = 0;
  virtual size_t size() const = 0;
  // Makes bytes [from, to) durable (msync MS_SYNC over whole pages). Returns after the device has
  // them.
  virtual Status Sync(size_t from, size_t to) = 0;
  // Touches [from, to) for writing so that the first store does not fault. Best effort.
  virtual void Populate(size_t from, size_t to) = 0;
  // Whether small parts will be written. Then pages are not read or made in groups: a sync writes
  // whole groups (on ext4 up to 1 MiB for one dirty byte), and one touch makes as many pages as the
  // device reads ahead (8 MiB: 20 ms in which the processor does nothing else). Best effort.
  virtual void AdviseSmallWrites(bool small) = 0;
  // How many 4 KiB pages, from the one that holds `from`, are known to be in memory, so that
  // reading them waits for no device; at most those up to `to`. A system that cannot tell says all.
  virtual size_t ResidentPages(size_t from, size_t to) const {
    return from >= to ? 0 : (to - 1) / kResidencyPageBytes - from / kResidencyPageBytes + 1;
  }
  static constexpr size_t kResidencyPageBytes = 4096;
};

// What direct I/O works in multiples of; also the page of the usual page cache.
inline constexpr uint32_t kDirectBytes = 4096;

// An open file. Closed by the destructor.
class StoreFile {
 public:
  virtual ~StoreFile() = default;
  virtual Status Size(uint64_t* size_bytes) = 0;
  // Reserves the blocks of [from, to), extending the file when `to` lies behind its end, so that a
  // later store into a mapping cannot hit a full disk. kNoSpace leaves the file's size as it was.
  virtual Status Reserve(uint64_t from, uint64_t to) = 0;
  // Sets the size; growing leaves a hole.
  virtual Status Truncate(uint64_t size_bytes) = 0;
  virtual Status Read(uint64_t at, std::span<uint8_t> into, size_t* read_bytes) = 0;
  virtual Status Write(uint64_t at,
                       std::span<const uint8_t> bytes) = 0;  // all or an error; retries EINTR
  // Writes the parts one behind the other, as one call where the system has one.
  virtual Status WriteParts(uint64_t at, std::span<const std::span<const uint8_t>> parts);
  virtual Status Sync() = 0;  // fdatasync
  // Makes [from, to), which must be within the file, read as zeros: a cut tail must not come back
  // to life. Reads only what was written there and writes only where it is not zero; `changed` says
  // whether it did. Not synced.
  virtual Status Zero(uint64_t from, uint64_t to, bool* changed) = 0;
  // Makes [from, to), which must be within the file, read as zeros without writing any: its blocks
  // stay reserved, and a sync behind the next write of each has to record it. Not synced. False:
  // the file system cannot, or it failed, and what stands there is as uncertain as after a failed
  // write.
  virtual bool Forget(uint64_t from, uint64_t to) = 0;
  // The first part of [from, to) that was ever written and may hold anything but zeros; false when
  // there is none. A file system that cannot tell answers with the whole range.
  virtual bool NextWritten(uint64_t from, uint64_t to, uint64_t* data_from, uint64_t* data_to) = 0;
  // Maps the first `size_bytes`, which must be within the file's size.
  virtual Status Map(size_t size_bytes, bool writable, std::unique_ptr<FileMapping>* mapping) = 0;
};

// Lock on a file that excludes other processes (POSIX record lock on byte 0, as Java's FileChannel
// takes). Released by the destructor.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size_bytes = 0;
};

struct SpaceInfo {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // available to this user
  uint64_t used_bytes = 0;  // total less everything free, whoever may have that
};

// Every file operation of the store. One POSIX version, simulated ones for tests. Paths are
// absolute or relative to the process; callers build them only from validated names. Thread-safe.
class StoreIo {
 public:
  enum class OpenMode {
    kRead,
    kReadWrite,
    kCreate,  // read-write, created when absent
    // Past the page cache, and on the device when a write returns (O_DIRECT, O_DSYNC): offsets,
    // sizes and addresses of writes are multiples of kDirectBytes. Refused by some file systems.
    kDirect,
    kDirectUnsynced,  // the first without the second: on the device after a Sync, as any other
  };

  virtual ~StoreIo() = default;
  virtual Status Open(const std::string& path, OpenMode mode, std::unique_ptr<StoreFile>* file) = 0;
  virtual Status CreateDirectories(
      const std::string& path) = 0;  // and syncs every parent it adds an entry to
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Status List(const std::string& path,
                      std::vector<DirEntry>* entries) = 0;  // sorted by name
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;  // a file or an empty directory
  virtual bool Exists(const std::string& path) = 0;
  virtual Status Space(const std::string& path, SpaceInfo* space) = 0;
  // kLocked when another process holds it.
  virtual Status Lock(const std::string& path, std::unique_ptr<FileLock>* lock) = 0;
};

// The real file system. Lives for the whole process.
StoreIo& PosixStoreIo();

}  // namespace apogee
