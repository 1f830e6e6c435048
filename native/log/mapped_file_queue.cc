#include "log/mapped_file_queue.h"

#include <algorithm>
#include <utility>

namespace apogee {

MappedFileQueue::MappedFileQueue(StoreIo& io, std::string directory, uint32_t file_size_bytes,
                                 uint32_t reserve_step_bytes)
    : io_(io),
      directory_(std::move(directory)),
      file_size_bytes_(file_size_bytes),
      reserve_step_bytes_(reserve_step_bytes) {}

std::string MappedFileQueue::PathOf(int64_t start_offset) const {
  return directory_ + '/' + SegmentName(start_offset);
}

Status MappedFileQueue::Load() {
  if (!io_.Exists(directory_)) return Status::Ok();
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  std::erase_if(entries, [](const DirEntry& entry) {
    return entry.is_directory || ParseSegmentName(entry.name) < 0;
  });
  const std::lock_guard lock(mutex_);
  for (size_t k = 0; k < entries.size(); ++k) {
    APOGEE_RETURN_IF_ERROR(Map(entries[k], k + 1 == entries.size()));
  }
  if (!files_.empty()) {
    flushed_offset_.store(files_.back()->start_offset() + file_size_bytes_,
                          std::memory_order_release);
  }
  return Status::Ok();
}

// With mutex_ held.
Status MappedFileQueue::Map(const DirEntry& entry, bool last) {
  const int64_t start_offset = ParseSegmentName(entry.name);
  const std::string path = directory_ + '/' + entry.name;
  if (entry.size_bytes == 0 && last) {
    APOGEE_RETURN_IF_ERROR(io_.Remove(path));
    return io_.SyncDirectory(directory_);
  }
  if (entry.size_bytes == 0) return Status::Error(StatusCode::kCorruption, path + " is empty");
  if (!files_.empty() && files_.back()->start_offset() + file_size_bytes_ != start_offset) {
    return Status::Error(StatusCode::kCorruption,
                         "the segment before " + path + " is missing: expected " +
                             SegmentName(files_.back()->start_offset() + file_size_bytes_));
  }
  std::shared_ptr<MappedFile> file;
  APOGEE_RETURN_IF_ERROR(
      MappedFile::Open(io_, path, start_offset, file_size_bytes_, reserve_step_bytes_, &file));
  file->ResetPosition(file_size_bytes_);
  files_.push_back(std::move(file));
  return Status::Ok();
}

std::shared_ptr<MappedFile> MappedFileQueue::Find(int64_t offset) const {
  const std::lock_guard lock(mutex_);
  if (files_.empty()) return nullptr;
  const int64_t from_first = offset - files_.front()->start_offset();
  if (from_first < 0) return nullptr;
  const auto index = static_cast<size_t>(from_first / file_size_bytes_);
  if (index < files_.size()) return files_[index];
  const bool at_end = index == files_.size() && from_first % file_size_bytes_ == 0;
  return at_end ? files_.back() : nullptr;
}

std::shared_ptr<MappedFile> MappedFileQueue::First() const {
  const std::lock_guard lock(mutex_);
  return files_.empty() ? nullptr : files_.front();
}

std::shared_ptr<MappedFile> MappedFileQueue::Last() const {
  const std::lock_guard lock(mutex_);
  return files_.empty() ? nullptr : files_.back();
}

std::vector<std::shared_ptr<MappedFile>> MappedFileQueue::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

// With prepare_mutex_ held.
Status MappedFileQueue::Create(int64_t start_offset, std::shared_ptr<MappedFile>* file) {
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(directory_));
  std::shared_ptr<MappedFile> created;
  auto recycled = SegmentPool::Taken::kNone;
  const bool left_over = io_.Exists(PathOf(start_offset));
  if (pool_ != nullptr) APOGEE_RETURN_IF_ERROR(pool_->Take(PathOf(start_offset), &recycled));
  APOGEE_RETURN_IF_ERROR(MappedFile::Open(io_, PathOf(start_offset), start_offset, file_size_bytes_,
                                          reserve_step_bytes_, &created));
  if (recycled != SegmentPool::Taken::kNone) {
    if (recycled == SegmentPool::Taken::kWritten) created->SetPrewritten();
    APOGEE_RETURN_IF_ERROR(created->ReserveTo(0, file_size_bytes_));
  } else {
    // Only when a segment of that name was left over is there anything to wipe.
    APOGEE_RETURN_IF_ERROR(created->ZeroTail());
  }
  // What left it over may have been the failure to make its name durable.
  if (left_over) APOGEE_RETURN_IF_ERROR(io_.SyncDirectory(directory_));
  if (small_writes_.load(std::memory_order_relaxed)) created->AdviseSmallWrites(true);
  *file = std::move(created);
  return Status::Ok();
}

int64_t MappedFileQueue::NextStart(int64_t first_offset) const {
  const auto last = Last();
  if (last) return last->start_offset() + file_size_bytes_;
  return first_offset - first_offset % file_size_bytes_;
}

Status MappedFileQueue::WritableFile(int64_t first_offset, std::shared_ptr<MappedFile>* file) {
  std::shared_ptr<MappedFile> last = Last();
  if (last && !last->full()) {
    *file = std::move(last);
    return Status::Ok();
  }
  return NextFile(first_offset, file);
}

Status MappedFileQueue::NextFile(int64_t first_offset, std::shared_ptr<MappedFile>* file) {
  const std::lock_guard prepare_lock(prepare_mutex_);
  const int64_t start_offset = NextStart(first_offset);
  std::shared_ptr<MappedFile> next = std::move(prepared_);
  prepared_ = nullptr;
  if (next && next->start_offset() != start_offset) {
    // Prepared for a queue that was to start elsewhere.
    APOGEE_RETURN_IF_ERROR(next->Remove());
    next = nullptr;
  }
  if (!next) APOGEE_RETURN_IF_ERROR(Create(start_offset, &next));
  const std::lock_guard lock(mutex_);
  if (files_.empty()) flushed_offset_.store(start_offset, std::memory_order_release);
  files_.push_back(next);
  *file = std::move(next);
  return Status::Ok();
}

Status MappedFileQueue::PrepareNext(int64_t first_offset) {
  const std::lock_guard prepare_lock(prepare_mutex_);
  if (prepared_) return Status::Ok();
  return Create(NextStart(first_offset), &prepared_);
}

std::shared_ptr<MappedFile> MappedFileQueue::Prepared() const {
  const std::lock_guard prepare_lock(prepare_mutex_);
  return prepared_;
}

Status MappedFileQueue::DropPrepared() {
  const std::lock_guard prepare_lock(prepare_mutex_);
  const std::shared_ptr<MappedFile> dropped = std::move(prepared_);
  prepared_ = nullptr;
  return dropped ? dropped->Remove() : Status::Ok();
}

int64_t MappedFileQueue::min_offset() const {
  const auto first = First();
  return first ? first->start_offset() : 0;
}

int64_t MappedFileQueue::max_offset() const {
  const auto last = Last();
  return last ? last->start_offset() + last->wrote() : 0;
}

// Segments that may have something to flush, oldest first. Behind a clean one all are clean.
std::vector<std::shared_ptr<MappedFile>> MappedFileQueue::Dirty() const {
  const std::lock_guard lock(mutex_);
  auto from = files_.end();
  while (from != files_.begin()) {
    const MappedFile& file = **std::prev(from);
    if (file.flushed() == file.size()) break;
    --from;
  }
  return {from, files_.end()};
}

Status MappedFileQueue::Flush(int64_t* flushed_offset) {
  for (const auto& file : Dirty()) {
    const Status flushed = file->Flush();
    if (!flushed.ok()) {
      *flushed_offset = this->flushed_offset();
      return flushed;
    }
    flushed_offset_.store(file->start_offset() + file->flushed(), std::memory_order_release);
    // The next may be there before this one is full: then nothing of it was written.
    if (file->flushed() < file->size()) break;
  }
  *flushed_offset = this->flushed_offset();
  return Status::Ok();
}

Status MappedFileQueue::TruncateAfter(int64_t offset, CutTail tail) {
  APOGEE_RETURN_IF_ERROR(DropPrepared());
  const std::lock_guard lock(mutex_);
  // From the end, so that a crash in between leaves no hole. The first one stays, as an empty one.
  while (files_.size() > 1 && files_.back()->start_offset() >= offset) {
    APOGEE_RETURN_IF_ERROR(files_.back()->Remove());
    files_.pop_back();
  }
  if (files_.empty()) return Status::Ok();
  MappedFile& last = *files_.back();
  const int64_t kept = std::clamp<int64_t>(offset - last.start_offset(), 0, last.wrote());
  last.ResetPosition(static_cast<uint32_t>(kept));
  flushed_offset_.store(last.start_offset() + kept, std::memory_order_release);
  return tail == CutTail::kWipe ? last.ZeroTail() : Status::Ok();
}

Status MappedFileQueue::RemoveFirstBefore(int64_t offset, Removal removal) {
  // Out of sight first, so that nobody new can hold it; and the file goes not under the lock:
  // deleting a large one takes its time.
  std::shared_ptr<MappedFile> first;
  {
    const std::lock_guard lock(mutex_);
    const bool below =
        files_.size() >= 2 && files_.front()->start_offset() + file_size_bytes_ <= offset;
    if (below) {
      first = std::move(files_.front());
      files_.erase(files_.begin());
    }
  }
  if (!first) {
    return Status::Error(StatusCode::kNotFound, "no segment of " + directory_ + " lies below");
  }
  const Status retired = Retire(first, removal);
  if (retired.ok()) return retired;
  const std::lock_guard lock(mutex_);
  files_.insert(files_.begin(), std::move(first));
  return retired;
}

// `file` and the caller's are the only references unless a reader holds one: its bytes must stay.
Status MappedFileQueue::Retire(std::shared_ptr<MappedFile> file, Removal removal) {
  constexpr int kOwnReferences = 2;
  if (pool_ != nullptr && removal == Removal::kMayKeep && file.use_count() == kOwnReferences &&
      pool_->Offer(file->path())) {
    return Status::Ok();
  }
  return file->Remove();
}

void MappedFileQueue::DropRecycled() {
  if (pool_ != nullptr) pool_->Clear();
}

Status MappedFileQueue::RemoveAll() {
  APOGEE_RETURN_IF_ERROR(DropPrepared());
  const std::lock_guard lock(mutex_);
  while (!files_.empty()) {
    APOGEE_RETURN_IF_ERROR(files_.back()->Remove());
    files_.pop_back();
  }
  flushed_offset_.store(0, std::memory_order_release);
  return Status::Ok();
}

}  // namespace apogee
