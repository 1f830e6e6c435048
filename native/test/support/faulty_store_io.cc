#include "test/support/faulty_store_io.h"

#include <algorithm>
#include <utility>

namespace apogee::test {
namespace {

class FaultyMapping final : public FileMapping {
 public:
  FaultyMapping(FaultyStoreIo& io, std::string path, std::unique_ptr<FileMapping> real)
      : io_(io), path_(std::move(path)), real_(std::move(real)) {}

  uint8_t* data() override { return real_->data(); }
  size_t size() const override { return real_->size(); }
  Status Sync(size_t from, size_t to) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kMappingSync, "msync " + path_));
    switch (io_.LieOf(IoCall::kMappingSync, path_)) {
      case Lie::kNone:
        break;
      case Lie::kNothing:
        return Status::Ok();
      case Lie::kLastPage:
        to = std::min(to, size());
        return real_->Sync(from, std::max(from, to == 0 ? 0 : (to - 1) / 4096 * 4096));
      case Lie::kLate:
        std::swap(from, late_from_);
        std::swap(to, late_to_);
    }
    return real_->Sync(from, to);
  }
  void Populate(size_t from, size_t to) override { real_->Populate(from, to); }
  void AdviseSmallWrites(bool small) override { real_->AdviseSmallWrites(small); }
  size_t ResidentPages(size_t from, size_t to) const override {
    return io_.paged_out() ? 0 : real_->ResidentPages(from, to);
  }

 private:
  FaultyStoreIo& io_;
  const std::string path_;
  const std::unique_ptr<FileMapping> real_;
  size_t late_from_ = 0;  // of the sync before; syncs of one mapping come one at a time
  size_t late_to_ = 0;
};

class FaultyFile final : public StoreFile {
 public:
  FaultyFile(FaultyStoreIo& io, std::string path, std::unique_ptr<StoreFile> real)
      : io_(io), path_(std::move(path)), real_(std::move(real)) {}

  Status Size(uint64_t* size_bytes) override { return real_->Size(size_bytes); }
  Status Reserve(uint64_t from, uint64_t to) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kReserve, "fallocate " + path_));
    return real_->Reserve(from, to);
  }
  Status Truncate(uint64_t size_bytes) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kTruncate, "ftruncate " + path_));
    return real_->Truncate(size_bytes);
  }
  Status Read(uint64_t at, std::span<uint8_t> into, size_t* read_bytes) override {
    return real_->Read(at, into, read_bytes);
  }
  Status Write(uint64_t at, std::span<const uint8_t> bytes) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kWrite, "pwrite " + path_));
    const Status partly = io_.PartlyOf(path_);
    if (partly.ok()) return real_->Write(at, bytes);
    APOGEE_RETURN_IF_ERROR(real_->Write(at, bytes.first(bytes.size() / 2)));
    return partly;
  }
  Status WriteParts(uint64_t at, std::span<const std::span<const uint8_t>> parts) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kWrite, "pwritev " + path_));
    const Status partly = io_.PartlyOf(path_);
    if (partly.ok()) return real_->WriteParts(at, parts);
    APOGEE_RETURN_IF_ERROR(real_->WriteParts(at, parts.first(parts.size() / 2)));
    return partly;
  }
  Status Sync() override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kSync, "fdatasync " + path_));
    if (io_.LieOf(IoCall::kSync, path_) != Lie::kNone) return Status::Ok();
    return real_->Sync();
  }
  Status Zero(uint64_t from, uint64_t to, bool* changed) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kZero, "zero " + path_));
    if (io_.LieOf(IoCall::kZero, path_) != Lie::kNone) {
      *changed = false;
      return Status::Ok();
    }
    return real_->Zero(from, to, changed);
  }
  bool Forget(uint64_t from, uint64_t to) override {
    return io_.Enter(IoCall::kForget, "fallocate " + path_).ok() && real_->Forget(from, to);
  }
  bool NextWritten(uint64_t from, uint64_t to, uint64_t* data_from, uint64_t* data_to) override {
    return real_->NextWritten(from, to, data_from, data_to);
  }
  Status Map(size_t size_bytes, bool writable, std::unique_ptr<FileMapping>* mapping) override {
    APOGEE_RETURN_IF_ERROR(io_.Enter(IoCall::kMap, "mmap " + path_));
    std::unique_ptr<FileMapping> mapped;
    APOGEE_RETURN_IF_ERROR(real_->Map(size_bytes, writable, &mapped));
    *mapping = std::make_unique<FaultyMapping>(io_, path_, std::move(mapped));
    return Status::Ok();
  }

 private:
  FaultyStoreIo& io_;
  const std::string path_;
  const std::unique_ptr<StoreFile> real_;
};

}  // namespace

void FaultyStoreIo::Fail(IoCall call, int kth, int error_number) {
  const std::lock_guard lock(mutex_);
  plan(call).fail_at = plan(call).calls + kth;
  plan(call).error_number = error_number;
}

void FaultyStoreIo::FailPartly(std::string path_end, int error_number) {
  const std::lock_guard lock(mutex_);
  partly_path_end_ = std::move(path_end);
  partly_error_ = error_number;
}

Status FaultyStoreIo::PartlyOf(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  if (partly_path_end_.empty() || !path.ends_with(partly_path_end_)) return Status::Ok();
  return Status::FromErrno(partly_error_, "pwrite " + path);
}

void FaultyStoreIo::FailFrom(int kth, int error_number) {
  const std::lock_guard lock(mutex_);
  fail_from_ = all_calls_ + kth;
  fail_from_error_ = error_number;
}

void FaultyStoreIo::Tell(Lie lie, IoCall call, std::string path_part) {
  const std::lock_guard lock(mutex_);
  plan(call).lie = lie;
  plan(call).lie_path_part = std::move(path_part);
}

Lie FaultyStoreIo::LieOf(IoCall call, const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const Plan& plan = plans_[static_cast<size_t>(call)];
  return path.find(plan.lie_path_part) == std::string::npos ? Lie::kNone : plan.lie;
}

void FaultyStoreIo::FailAll(IoCall call, int error_number) {
  const std::lock_guard lock(mutex_);
  plan(call).fail_all = true;
  plan(call).error_number = error_number;
}

void FaultyStoreIo::Pass(IoCall call) {
  const std::lock_guard lock(mutex_);
  plan(call).fail_all = false;
  plan(call).fail_at = 0;
}

int FaultyStoreIo::calls(IoCall call) const {
  const std::lock_guard lock(mutex_);
  return plans_[static_cast<size_t>(call)].calls;
}

void FaultyStoreIo::Hold(IoCall call) {
  const std::lock_guard lock(mutex_);
  plan(call).held = true;
}

void FaultyStoreIo::WaitUntilHeld(IoCall call) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return plan(call).waiting > 0; });
}

void FaultyStoreIo::Release(IoCall call) {
  {
    const std::lock_guard lock(mutex_);
    plan(call).held = false;
  }
  changed_.notify_all();
}

Status FaultyStoreIo::Enter(IoCall call, const std::string& what) {
  std::unique_lock lock(mutex_);
  Plan& plan = this->plan(call);
  const int number = ++plan.calls;
  ++all_calls_;
  if (plan.held) {
    ++plan.waiting;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !plan.held; });
    --plan.waiting;
  }
  if (fail_from_ > 0 && all_calls_ >= fail_from_) return Status::FromErrno(fail_from_error_, what);
  if (!plan.fail_all && number != plan.fail_at) return Status::Ok();
  return Status::FromErrno(plan.error_number, what);
}

Status FaultyStoreIo::Open(const std::string& path, OpenMode mode,
                           std::unique_ptr<StoreFile>* file) {
  APOGEE_RETURN_IF_ERROR(Enter(IoCall::kOpen, "open " + path));
  std::unique_ptr<StoreFile> opened;
  APOGEE_RETURN_IF_ERROR(real_.Open(path, mode, &opened));
  *file = std::make_unique<FaultyFile>(*this, path, std::move(opened));
  return Status::Ok();
}

void FaultyStoreIo::SetSpace(const SpaceInfo& space) {
  const std::lock_guard lock(mutex_);
  space_ = space;
}

Status FaultyStoreIo::Space(const std::string& path, SpaceInfo* space) {
  const std::lock_guard lock(mutex_);
  if (!space_) return real_.Space(path, space);
  *space = *space_;
  return Status::Ok();
}

Status FaultyStoreIo::SyncDirectory(const std::string& path) {
  APOGEE_RETURN_IF_ERROR(Enter(IoCall::kSyncDirectory, "fsync " + path));
  if (LieOf(IoCall::kSyncDirectory, path) != Lie::kNone) return Status::Ok();
  return real_.SyncDirectory(path);
}

Status FaultyStoreIo::Rename(const std::string& from, const std::string& to) {
  APOGEE_RETURN_IF_ERROR(Enter(IoCall::kRename, "rename " + from));
  return real_.Rename(from, to);
}

Status FaultyStoreIo::Remove(const std::string& path) {
  APOGEE_RETURN_IF_ERROR(Enter(IoCall::kRemove, "remove " + path));
  return real_.Remove(path);
}

}  // namespace apogee::test
