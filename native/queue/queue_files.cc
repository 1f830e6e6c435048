#include "queue/queue_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "log/segment_name.h"

namespace apogee {
namespace {

// A store may have thousands of queues, most of them short: blocks are taken as they are needed.
constexpr int64_t kReserveStepBytes = 256 * 1024;
// Reserving starts at a block boundary; a multiple of every usual block size.
constexpr int64_t kBlockBytes = 4096;

}  // namespace

QueueFiles::QueueFiles(StoreIo& io, QueueMappings& mappings, std::string directory,
                       uint32_t file_bytes)
    : io_(io), mappings_(mappings), directory_(std::move(directory)), file_bytes_(file_bytes) {}

QueueFiles::~QueueFiles() {
  for (const auto& mapped : mapped_) Forget(mapped);
}

std::string QueueFiles::PathOf(int64_t start_offset) const {
  return directory_ + '/' + SegmentName(start_offset);
}

Status QueueFiles::Load() {
  std::vector<DirEntry> entries;
  const Status listed = io_.List(directory_, &entries);
  if (listed.code() == StatusCode::kNotFound) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(listed);
  std::erase_if(entries, [](const DirEntry& entry) {
    return entry.is_directory || ParseSegmentName(entry.name) < 0;
  });
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < entries.size(); ++i) {
    APOGEE_RETURN_IF_ERROR(Add(entries[i], i + 1 == entries.size()));
  }
  return Status::Ok();
}

// With mutex_ held.
Status QueueFiles::Add(const DirEntry& entry, bool last) {
  const int64_t start_offset = ParseSegmentName(entry.name);
  const std::string path = directory_ + '/' + entry.name;
  if (entry.size_bytes == 0 && last) {
    APOGEE_RETURN_IF_ERROR(io_.Remove(path));
    return io_.SyncDirectory(directory_);
  }
  if (entry.size_bytes != file_bytes_) {
    return Status::Error(StatusCode::kCorruption,
                         path + " has " + std::to_string(entry.size_bytes) + " bytes instead of " +
                             std::to_string(file_bytes_));
  }
  if (mapped_.empty()) first_start_ = start_offset;
  const int64_t expected = first_start_ + static_cast<int64_t>(mapped_.size()) * file_bytes_;
  if (start_offset != expected) {
    return Status::Error(
        StatusCode::kCorruption,
        "the file before " + path + " is missing: expected " + SegmentName(expected));
  }
  mapped_.emplace_back();
  return Status::Ok();
}

size_t QueueFiles::file_count() const {
  const std::lock_guard lock(mutex_);
  return mapped_.size();
}

int64_t QueueFiles::begin() const {
  const std::lock_guard lock(mutex_);
  return mapped_.empty() ? 0 : first_start_;
}

int64_t QueueFiles::end() const {
  const std::lock_guard lock(mutex_);
  return mapped_.empty() ? 0 : first_start_ + static_cast<int64_t>(mapped_.size()) * file_bytes_;
}

bool QueueFiles::Has(int64_t offset) const {
  const std::lock_guard lock(mutex_);
  return offset >= first_start_ &&
         offset < first_start_ + static_cast<int64_t>(mapped_.size()) * file_bytes_;
}

std::shared_ptr<QueueFile> QueueFiles::Find(int64_t offset) const {
  const std::lock_guard lock(mutex_);
  const int64_t from_first = offset - first_start_;
  if (from_first < 0) return nullptr;
  const auto index = static_cast<size_t>(from_first / file_bytes_);
  if (index >= mapped_.size()) return nullptr;
  std::shared_ptr<QueueFile> file = mapped_[index].lock();
  if (file) {
    file->Touch();
    return file;
  }
  // Under the lock, so that a file is mapped once. What fails is met again by who asks next.
  const int64_t start_offset = first_start_ + static_cast<int64_t>(index) * file_bytes_;
  if (!Map(start_offset, &file).ok()) return nullptr;
  mapped_[index] = file;
  return file;
}

Status QueueFiles::Map(int64_t start_offset, std::shared_ptr<QueueFile>* file) const {
  const std::string path = PathOf(start_offset);
  Status mapped = QueueFile::Map(io_, path, start_offset, file_bytes_, file);
  if (mapped.error_number() == ENOMEM) {
    mappings_.DropIdle();
    mapped = QueueFile::Map(io_, path, start_offset, file_bytes_, file);
  }
  APOGEE_RETURN_IF_ERROR(mapped);
  mappings_.Keep(*file);
  return Status::Ok();
}

Status QueueFiles::Open(int64_t offset, std::unique_ptr<StoreFile>* file) const {
  if (!Has(offset)) {
    return Status::Error(StatusCode::kNotFound,
                         directory_ + " has no file for byte " + std::to_string(offset));
  }
  return io_.Open(PathOf(offset - offset % file_bytes_), StoreIo::OpenMode::kReadWrite, file);
}

Status QueueFiles::Writable(int64_t offset, uint32_t bytes, std::shared_ptr<QueueFile>* file) {
  const int64_t start_offset = offset - offset % file_bytes_;
  const auto position = static_cast<uint32_t>(offset - start_offset);
  if (bytes > file_bytes_ - position) {
    return Status::Error(StatusCode::kInvalidArgument, "a range over two files");
  }
  std::shared_ptr<QueueFile> found = written_.lock();
  if (!found || found->start_offset() != start_offset) {
    if (empty() || offset == end()) APOGEE_RETURN_IF_ERROR(Create(start_offset));
    {
      const std::lock_guard lock(mutex_);
      if (mapped_.empty()) first_start_ = start_offset;
      const int64_t end = first_start_ + static_cast<int64_t>(mapped_.size()) * file_bytes_;
      if (start_offset == end) mapped_.emplace_back();
    }
    found = Find(offset);
    if (!found) {
      // Once more, to know why: a shortage is waited for, anything else ends the dispatching.
      APOGEE_RETURN_IF_ERROR(Map(start_offset, &found));
      found = Find(offset);
    }
    if (!found) {
      return Status::Error(StatusCode::kMapLimit, PathOf(start_offset) + " could not be mapped");
    }
    if (reserved_to_ <= start_offset || reserved_to_ > start_offset + file_bytes_) reserved_to_ = 0;
    written_ = found;
  } else {
    found->Touch();
  }
  if (offset + bytes > reserved_to_) APOGEE_RETURN_IF_ERROR(ReserveTo(*found, position, bytes));
  *file = std::move(found);
  return Status::Ok();
}

// Gives a new file its size and first blocks, durably; leaves no empty file behind when it cannot.
Status QueueFiles::Create(int64_t start_offset) const {
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(directory_));
  const std::string path = PathOf(start_offset);
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_.Open(path, StoreIo::OpenMode::kCreate, &file));
  // The size changes once, whatever step a crash ends this at: a file of another size is damaged.
  const int64_t reserve_to = std::min<int64_t>(kReserveStepBytes, file_bytes_);
  Status status = reserve_to < file_bytes_ ? file->Truncate(file_bytes_) : Status::Ok();
  if (status.ok()) status = file->Reserve(0, static_cast<uint64_t>(reserve_to));
  // Only when a file of that name was left over is there anything to wipe.
  bool changed = false;
  if (status.ok()) status = file->Zero(0, file_bytes_, &changed);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = io_.SyncDirectory(directory_);
  if (!status.ok()) {
    // The first failure is what the caller must know; loading removes an empty file that stays.
    [[maybe_unused]] const Status removed = io_.Remove(path);
  }
  return status;
}

Status QueueFiles::ReserveTo(QueueFile& file, uint32_t position, uint32_t bytes) {
  const int64_t start = file.start_offset();
  const int64_t known = std::max<int64_t>(reserved_to_ - start, 0);
  const int64_t from = std::max<int64_t>(known, position - position % kBlockBytes);
  const int64_t needed = int64_t{position} + bytes;
  const int64_t steps = (needed + kReserveStepBytes - 1) / kReserveStepBytes;
  const int64_t to = std::min<int64_t>(steps * kReserveStepBytes, file_bytes_);
  std::unique_ptr<StoreFile> opened;
  APOGEE_RETURN_IF_ERROR(Open(start, &opened));
  APOGEE_RETURN_IF_ERROR(opened->Reserve(static_cast<uint64_t>(from), static_cast<uint64_t>(to)));
  reserved_to_ = start + to;
  return Status::Ok();
}

Status QueueFiles::Sync(int64_t from, int64_t to) const {
  for (int64_t at = from; at < to;) {
    const int64_t start_offset = at - at % file_bytes_;
    const int64_t until = std::min(to, start_offset + file_bytes_);
    const Status synced = SyncFile(start_offset, at - start_offset, until - start_offset);
    if (!synced.ok() && (synced.code() != StatusCode::kNotFound || Has(start_offset))) {
      return synced;
    }
    at = until;
  }
  return Status::Ok();
}

Status QueueFiles::SyncFile(int64_t start_offset, int64_t from, int64_t to) const {
  std::shared_ptr<QueueFile> mapped;
  {
    const std::lock_guard lock(mutex_);
    const int64_t from_first = start_offset - first_start_;
    const auto index = static_cast<size_t>(from_first / file_bytes_);
    if (from_first < 0 || index >= mapped_.size()) return Status::Ok();
    mapped = mapped_[index].lock();
  }
  if (mapped) return mapped->Sync(static_cast<uint32_t>(from), static_cast<uint32_t>(to));
  // The pages outlived their mapping; any descriptor of the file reaches them.
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_.Open(PathOf(start_offset), StoreIo::OpenMode::kReadWrite, &file));
  return file->Sync();
}

void QueueFiles::Forget(const std::weak_ptr<QueueFile>& mapped) const {
  if (const auto file = mapped.lock()) mappings_.Drop(*file);
}

// With mutex_ held, and at least one file.
Status QueueFiles::RemoveLast() {
  const int64_t start = first_start_ + static_cast<int64_t>(mapped_.size() - 1) * file_bytes_;
  APOGEE_RETURN_IF_ERROR(io_.Remove(PathOf(start)));
  Forget(mapped_.back());
  mapped_.pop_back();
  return Status::Ok();
}

Status QueueFiles::CutAfter(int64_t offset) {
  written_.reset();
  reserved_to_ = 0;
  int64_t last_start = 0;
  {
    const std::lock_guard lock(mutex_);
    // From the end, so that a crash in between leaves no hole. The first one stays.
    bool removed = false;
    while (mapped_.size() > 1 &&
           first_start_ + static_cast<int64_t>(mapped_.size() - 1) * file_bytes_ >= offset) {
      APOGEE_RETURN_IF_ERROR(RemoveLast());
      removed = true;
    }
    if (removed) APOGEE_RETURN_IF_ERROR(io_.SyncDirectory(directory_));
    if (mapped_.empty()) return Status::Ok();
    last_start = first_start_ + static_cast<int64_t>(mapped_.size() - 1) * file_bytes_;
  }
  const int64_t kept = std::clamp<int64_t>(offset - last_start, 0, file_bytes_);
  if (kept == file_bytes_) return Status::Ok();
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(Open(last_start, &file));
  bool changed = false;
  APOGEE_RETURN_IF_ERROR(file->Zero(static_cast<uint64_t>(kept), file_bytes_, &changed));
  return changed ? file->Sync() : Status::Ok();
}

Status QueueFiles::RemoveFirstBefore(int64_t offset) {
  const std::lock_guard lock(mutex_);
  if (mapped_.size() < 2 || first_start_ + file_bytes_ > offset) {
    return Status::Error(StatusCode::kNotFound, "no file of " + directory_ + " lies below");
  }
  APOGEE_RETURN_IF_ERROR(io_.Remove(PathOf(first_start_)));
  Forget(mapped_.front());
  mapped_.erase(mapped_.begin());
  first_start_ += file_bytes_;
  return io_.SyncDirectory(directory_);
}

Status QueueFiles::RemoveAll() {
  written_.reset();
  reserved_to_ = 0;
  const std::lock_guard lock(mutex_);
  if (mapped_.empty()) return Status::Ok();
  while (!mapped_.empty()) APOGEE_RETURN_IF_ERROR(RemoveLast());
  return io_.SyncDirectory(directory_);
}

}  // namespace apogee
