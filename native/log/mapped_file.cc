#include "log/mapped_file.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace apogee {
namespace {

// Reserving starts at a block boundary; a multiple of every usual block size.
constexpr uint32_t kBlockBytes = 4096;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Status MappedFile::Open(StoreIo& io, const std::string& path, int64_t start_offset,
                        uint32_t size_bytes, uint32_t reserve_step_bytes,
                        std::shared_ptr<MappedFile>* file) {
  std::shared_ptr<MappedFile> opened(new MappedFile());
  opened->io_ = &io;
  opened->path_ = path;
  opened->start_offset_ = start_offset;
  opened->size_bytes_ = size_bytes;
  opened->reserve_step_bytes_ = reserve_step_bytes == 0 ? size_bytes : reserve_step_bytes;
  APOGEE_RETURN_IF_ERROR(io.Open(path, StoreIo::OpenMode::kCreate, &opened->file_));
  uint64_t found_bytes = 0;
  APOGEE_RETURN_IF_ERROR(opened->file_->Size(&found_bytes));
  if (found_bytes == 0) {
    APOGEE_RETURN_IF_ERROR(opened->Allocate(io));
  } else if (found_bytes != size_bytes) {
    return Status::Error(StatusCode::kCorruption, path + " has " + std::to_string(found_bytes) +
                                                      " bytes instead of " +
                                                      std::to_string(size_bytes));
  }
  APOGEE_RETURN_IF_ERROR(opened->file_->Map(size_bytes, true, &opened->mapping_));
  opened->mapping_data_ = opened->mapping_->data();
  *file = std::move(opened);
  return Status::Ok();
}

// Gives a new file its size and first blocks, durably; leaves no empty file behind when it cannot.
Status MappedFile::Allocate(StoreIo& io) {
  const uint32_t reserve_to = std::min(reserve_step_bytes_, size_bytes_);
  // The size changes once, whatever step a crash ends this at: a file of another size is damaged.
  Status status = reserve_to < size_bytes_ ? file_->Truncate(size_bytes_) : Status::Ok();
  if (status.ok()) status = file_->Reserve(0, reserve_to);
  if (status.ok()) status = file_->Sync();
  if (status.ok()) status = io.SyncDirectory(DirectoryOf(path_));
  if (!status.ok()) {
    // The first failure is what the caller must know; loading removes an empty file that stays.
    [[maybe_unused]] const Status removed = io.Remove(path_);
    return status;
  }
  reserved_ = reserve_to;
  return Status::Ok();
}

uint8_t* MappedFile::write_position() {
  return mapping_data_ + wrote_.load(std::memory_order_relaxed);
}

Status MappedFile::PrepareWrite(uint32_t bytes) {
  const uint32_t position = wrote_.load(std::memory_order_relaxed);
  if (bytes > size_bytes_ - position) {
    return Status::Error(StatusCode::kTooLarge,
                         path_ + " has no room for " + std::to_string(bytes) + " bytes");
  }
  return ReserveTo(position, position + bytes);
}

Status MappedFile::ReserveTo(uint32_t from, uint32_t to) {
  if (to <= reserved_) return Status::Ok();
  const uint32_t first = std::max(reserved_, from - from % kBlockBytes);
  const uint64_t steps = (uint64_t{to} + reserve_step_bytes_ - 1) / reserve_step_bytes_;
  const auto last =
      static_cast<uint32_t>(std::min<uint64_t>(steps * reserve_step_bytes_, size_bytes_));
  APOGEE_RETURN_IF_ERROR(file_->Reserve(first, last));
  reserved_ = last;
  return Status::Ok();
}

void MappedFile::Publish(uint32_t bytes) {
  const uint32_t position = wrote_.load(std::memory_order_relaxed);
  assert(bytes <= size_bytes_ - position);
  wrote_.store(position + bytes, std::memory_order_release);
}

Status MappedFile::Append(std::span<const uint8_t> bytes) {
  if (bytes.size() > space_left()) {
    return Status::Error(StatusCode::kTooLarge,
                         path_ + " has no room for " + std::to_string(bytes.size()) + " bytes");
  }
  const auto count = static_cast<uint32_t>(bytes.size());
  APOGEE_RETURN_IF_ERROR(PrepareWrite(count));
  if (count > 0) std::memcpy(write_position(), bytes.data(), count);
  Publish(count);
  return Status::Ok();
}

void MappedFile::ResetPosition(uint32_t position) {
  assert(position <= size_bytes_);
  flushed_.store(0, std::memory_order_relaxed);
  wrote_.store(position, std::memory_order_release);
  flushed_.store(position, std::memory_order_release);
}

Status MappedFile::ZeroTail() {
  bool changed = false;
  APOGEE_RETURN_IF_ERROR(file_->Zero(wrote(), size_bytes_, &changed));
  return changed ? file_->Sync() : Status::Ok();
}

bool MappedFile::NextWritten(uint32_t from, uint32_t* data_from, uint32_t* data_to) const {
  uint64_t begin = 0;
  uint64_t end = 0;
  if (!file_->NextWritten(from, size_bytes_, &begin, &end)) return false;
  *data_from = static_cast<uint32_t>(begin);
  *data_to = static_cast<uint32_t>(end);
  return true;
}

Status MappedFile::SyncAll() { return mapping_->Sync(0, wrote()); }

Status MappedFile::Flush() {
  if (!sync_failure_.ok()) return sync_failure_;
  const uint32_t from = flushed_.load(std::memory_order_relaxed);
  const uint32_t to = wrote();
  if (from == to) return Status::Ok();
  const Status synced = SyncRange(from, to);
  if (!synced.ok()) {
    sync_failure_ = synced;
    return synced;
  }
  flushed_.store(to, std::memory_order_release);
  return Status::Ok();
}

Status MappedFile::SyncRange(uint32_t from, uint32_t to) {
  if (direct_durable_) return Status::Ok();  // was on the device when it was written
  if (!written_through_) return mapping_->Sync(from, to);
  APOGEE_RETURN_IF_ERROR(file_->Sync());
  written_through_ = false;
  return Status::Ok();
}

Status MappedFile::WriteThrough(uint32_t position, std::span<const std::span<const uint8_t>> parts,
                                uint32_t count) {
  if (!sync_failure_.ok()) return sync_failure_;
  StoreFile& file = direct_ ? *direct_ : *file_;
  const Status written = file.WriteParts(position, parts);
  if (!written.ok()) {
    sync_failure_ = written;
    return written;
  }
  written_through_ = true;
  Publish(count);
  return Status::Ok();
}

Status MappedFile::OpenDirect(bool durable) {
  using OpenMode = StoreIo::OpenMode;
  APOGEE_RETURN_IF_ERROR(
      io_->Open(path_, durable ? OpenMode::kDirect : OpenMode::kDirectUnsynced, &direct_));
  direct_durable_ = durable;
  return Status::Ok();
}

Status MappedFile::Remove() {
  APOGEE_RETURN_IF_ERROR(io_->Remove(path_));
  return io_->SyncDirectory(DirectoryOf(path_));
}

}  // namespace apogee
