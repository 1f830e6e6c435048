#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/store_io.h"

namespace apogee::test {

enum class IoCall : uint8_t {
  kOpen,
  kReserve,
  kTruncate,
  kWrite,
  kSync,
  kZero,
  kForget,
  kMap,
  kMappingSync,
  kSyncDirectory,
  kRename,
  kRemove,
};
inline constexpr size_t kIoCallKinds = 12;

// How a call answers ok without having done what it was asked to: seeded mistakes, to see that a
// test would find them.
enum class Lie : uint8_t {
  kNone,
  kNothing,   // does nothing
  kLastPage,  // kMappingSync: leaves out the last page
  kLate,      // kMappingSync: syncs what the call before was asked for
};

// Passes everything on to another StoreIo (the real one or a simulated one), counts it, and makes
// chosen calls fail, wait or lie.
//
// Thread-safe. Outlives every file and mapping opened through it.
class FaultyStoreIo final : public StoreIo {
 public:
  explicit FaultyStoreIo(StoreIo& real) : real_(real) {}

  // The k-th call of that kind from now (1 is the next) fails with `error_number` and does nothing;
  // all others pass.
  void Fail(IoCall call, int kth, int error_number);
  // Each kWrite on a path that ends with `path_end` writes the first half of its bytes, then fails.
  void FailPartly(std::string path_end, int error_number);
  // From the k-th call of any kind on (1 is the next) all fail: the power went.
  void FailFrom(int kth, int error_number);
  // Calls of that kind on paths that contain `path_part` lie. One lie for each kind.
  void Tell(Lie lie, IoCall call, std::string path_part);
  // All calls of that kind fail until Pass(call), which also forgets a planned Fail.
  void FailAll(IoCall call, int error_number);
  void Pass(IoCall call);
  // Calls of that kind so far, failed ones included.
  int calls(IoCall call) const;

  // While true, mappings say that none of their pages is in memory.
  void SetPagedOut(bool paged_out) { paged_out_ = paged_out; }
  bool paged_out() const { return paged_out_; }

  // Calls of that kind wait inside until Release(call).
  void Hold(IoCall call);
  void WaitUntilHeld(IoCall call);  // until one does
  void Release(IoCall call);

  // What every file system is said to have from now on.
  void SetSpace(const SpaceInfo& space);

  // StoreIo
  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<StoreFile>* file) override;
  Status CreateDirectories(const std::string& path) override {
    return real_.CreateDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override;
  Status List(const std::string& path, std::vector<DirEntry>* entries) override {
    return real_.List(path, entries);
  }
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  bool Exists(const std::string& path) override { return real_.Exists(path); }
  Status Space(const std::string& path, SpaceInfo* space) override;
  Status Lock(const std::string& path, std::unique_ptr<FileLock>* lock) override {
    return real_.Lock(path, lock);
  }

  // For the wrapped files: counts the call, waits when held, and says whether it is to fail.
  Status Enter(IoCall call, const std::string& what);
  // Not ok for a write that is to fail when half of its work is done.
  Status PartlyOf(const std::string& path) const;
  Lie LieOf(IoCall call, const std::string& path) const;

 private:
  struct Plan {
    int calls = 0;
    int fail_at = 0;  // 0: none
    bool fail_all = false;
    int error_number = 0;
    Lie lie = Lie::kNone;
    std::string lie_path_part;
    bool held = false;
    int waiting = 0;
  };
  Plan& plan(IoCall call) { return plans_[static_cast<size_t>(call)]; }

  StoreIo& real_;
  std::atomic<bool> paged_out_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::optional<SpaceInfo> space_;
  int all_calls_ = 0;
  int fail_from_ = 0;  // 0: none
  int fail_from_error_ = 0;
  std::string partly_path_end_;  // empty: none
  int partly_error_ = 0;
  std::condition_variable changed_;
  std::array<Plan, kIoCallKinds> plans_;
};

}  // namespace apogee::test
