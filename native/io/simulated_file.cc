#include "io/simulated_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace apogee {
namespace {

using Disk = SimulatedStoreIo::Disk;

class SimulatedMapping final : public FileMapping {
 public:
  SimulatedMapping(std::shared_ptr<Disk> disk, std::shared_ptr<SimulatedInode> inode,
                   std::shared_ptr<uint8_t> memory, size_t size)
      : disk_(std::move(disk)), inode_(std::move(inode)), memory_(std::move(memory)), size_(size) {}
  // The inode looks at the number of mappings under the lock.
  ~SimulatedMapping() override {
    const std::lock_guard lock(disk_->mutex);
    memory_.reset();
    inode_.reset();
  }

  uint8_t* data() override { return memory_.get(); }
  size_t size() const override { return size_; }
  Status Sync(size_t from, size_t to) override {
    const std::lock_guard lock(disk_->mutex);
    to = std::min(to, size_);
    if (from < to) inode_->Sync(from, to);
    return Status::Ok();
  }
  void Populate(size_t, size_t) override {}
  void AdviseSmallWrites(bool) override {}

 private:
  const std::shared_ptr<Disk> disk_;
  std::shared_ptr<SimulatedInode> inode_;
  std::shared_ptr<uint8_t> memory_;
  const size_t size_;
};

class SimulatedFile final : public StoreFile {
 public:
  SimulatedFile(std::shared_ptr<Disk> disk, std::shared_ptr<SimulatedInode> inode, std::string path,
                StoreIo::OpenMode mode)
      : disk_(std::move(disk)),
        inode_(std::move(inode)),
        path_(std::move(path)),
        durable_(mode == StoreIo::OpenMode::kDirect),
        direct_(durable_ || mode == StoreIo::OpenMode::kDirectUnsynced) {}

  Status Size(uint64_t* size_bytes) override {
    const std::lock_guard lock(disk_->mutex);
    *size_bytes = inode_->size();
    return Status::Ok();
  }

  Status Reserve(uint64_t from, uint64_t to) override {
    const std::lock_guard lock(disk_->mutex);
    if (from >= to) return Status::Ok();
    if (!disk_->HasRoomFor(inode_->MissingBlocks(from, to))) {
      return Status::FromErrno(ENOSPC, "fallocate " + path_);
    }
    inode_->AddBlocks(from, to);
    if (to > inode_->size()) inode_->SetSize(to);
    return Status::Ok();
  }

  Status Truncate(uint64_t size_bytes) override {
    const std::lock_guard lock(disk_->mutex);
    if (size_bytes != inode_->size()) inode_->SetSize(size_bytes);
    return Status::Ok();
  }

  Status Read(uint64_t at, std::span<uint8_t> into, size_t* read_bytes) override {
    const std::lock_guard lock(disk_->mutex);
    *read_bytes = inode_->Read(at, into);
    return Status::Ok();
  }

  Status Write(uint64_t at, std::span<const uint8_t> bytes) override {
    const std::lock_guard lock(disk_->mutex);
    const auto address = reinterpret_cast<uintptr_t>(bytes.data());
    if (direct_ && (at | bytes.size() | address) % kDirectBytes != 0) {
      return Status::FromErrno(EINVAL, "pwrite " + path_);
    }
    if (!disk_->HasRoomFor(inode_->MissingBlocks(at, at + bytes.size()))) {
      return Status::FromErrno(ENOSPC, "pwrite " + path_);
    }
    inode_->Write(at, bytes);
    if (durable_) inode_->Sync(at, at + bytes.size());
    return Status::Ok();
  }

  Status Sync() override {
    const std::lock_guard lock(disk_->mutex);
    inode_->Sync(0, inode_->size());
    return Status::Ok();
  }

  Status Zero(uint64_t from, uint64_t to, bool* changed) override {
    const std::lock_guard lock(disk_->mutex);
    *changed = inode_->Zero(from, std::min(to, inode_->size()));
    return Status::Ok();
  }

  bool Forget(uint64_t from, uint64_t to) override {
    const std::lock_guard lock(disk_->mutex);
    inode_->Zero(from, std::min(to, inode_->size()));
    return true;
  }

  bool NextWritten(uint64_t from, uint64_t to, uint64_t* data_from, uint64_t* data_to) override {
    const std::lock_guard lock(disk_->mutex);
    return inode_->NextWritten(from, to, data_from, data_to);
  }

  Status Map(size_t size_bytes, bool /*writable*/, std::unique_ptr<FileMapping>* mapping) override {
    const std::lock_guard lock(disk_->mutex);
    if (size_bytes == 0 || size_bytes > inode_->size()) {
      return Status::FromErrno(EINVAL, "mmap " + path_);
    }
    *mapping =
        std::make_unique<SimulatedMapping>(disk_, inode_, inode_->Memory(size_bytes), size_bytes);
    return Status::Ok();
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<SimulatedInode> inode_;
  const std::string path_;
  const bool durable_;  // each write
  const bool direct_;
};

}  // namespace

std::unique_ptr<StoreFile> MakeSimulatedFile(std::shared_ptr<Disk> disk,
                                             std::shared_ptr<SimulatedInode> inode,
                                             std::string path, StoreIo::OpenMode mode) {
  return std::make_unique<SimulatedFile>(std::move(disk), std::move(inode), std::move(path), mode);
}

}  // namespace apogee
