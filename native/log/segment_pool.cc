#include "log/segment_pool.h"

#include <algorithm>
#include <utility>

namespace apogee {
namespace {

constexpr uint64_t kZeroStepBytes = 4u << 20;

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

SegmentPool::SegmentPool(StoreIo& io, std::string directory, uint32_t segment_bytes,
                         size_t most_files)
    : io_(io),
      directory_(std::move(directory)),
      segment_bytes_(segment_bytes),
      most_files_(most_files) {}

Status SegmentPool::Load() {
  if (!io_.Exists(directory_)) return Status::Ok();
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  const std::lock_guard lock(mutex_);
  for (const DirEntry& entry : entries) {
    if (entry.is_directory) continue;
    if (entry.size_bytes == segment_bytes_ && files_.size() < most_files_) {
      files_.push_back({entry.name});  // how much of it is zero nobody knows any more
    } else {
      Drop(entry.name);
    }
  }
  return Status::Ok();
}

// One that cannot be removed only takes its space; the next Load tries again.
void SegmentPool::Drop(const std::string& name) {
  [[maybe_unused]] const Status ignored = io_.Remove(PathOf(name));
}

bool SegmentPool::Offer(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (files_.size() >= most_files_ || !io_.CreateDirectories(directory_).ok()) return false;
  const std::string name = NameOf(path);
  if (!io_.Rename(path, PathOf(name)).ok()) return false;
  // Until both directories are on the device a crash may bring the segment back, whole; so only
  // then may it change.
  Status moved = io_.SyncDirectory(directory_);
  if (moved.ok()) moved = io_.SyncDirectory(ParentOf(path));
  if (moved.ok()) {
    files_.push_back({name});
  } else {
    Drop(name);
  }
  return true;
}

bool SegmentPool::ZeroStep(bool written) {
  Retired next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        files_, [this](const Retired& file) { return file.zeroed_to < segment_bytes_; });
    if (files_.empty() || found != files_.begin()) return false;  // one that is ready is enough
    next = *found;
  }
  const Status zeroed = ZeroPart(&next, written);
  const std::lock_guard lock(mutex_);
  const auto file = std::ranges::find(files_, next.name, &Retired::name);
  if (file == files_.end()) return false;  // cleared meanwhile
  if (!zeroed.ok()) {
    Drop(next.name);
    files_.erase(file);
    return false;
  }
  *file = next;
  return next.zeroed_to < segment_bytes_;
}

// Nothing stays open in between, so that Clear gives back the space of a file that is half zeroed.
Status SegmentPool::ZeroPart(Retired* retired, bool written) const {
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_.Open(PathOf(retired->name), StoreIo::OpenMode::kReadWrite, &file));
  const uint64_t from = retired->zeroed_to;
  if (!written && from == 0 && file->Forget(0, segment_bytes_)) {
    retired->written = false;
    retired->zeroed_to = segment_bytes_;
  } else {
    retired->zeroed_to = std::min<uint64_t>(from + kZeroStepBytes, segment_bytes_);
    const std::vector<uint8_t> zeros(retired->zeroed_to - from);
    APOGEE_RETURN_IF_ERROR(file->Write(from, zeros));
  }
  return file->Sync();
}

Status SegmentPool::Take(const std::string& path, Taken* taken) {
  *taken = Taken::kNone;
  const std::lock_guard lock(mutex_);
  if (files_.empty() || files_.front().zeroed_to < segment_bytes_ || io_.Exists(path)) {
    return Status::Ok();
  }
  const Retired file = files_.front();
  files_.erase(files_.begin());
  if (!io_.Rename(PathOf(file.name), path).ok()) {
    Drop(file.name);
    return Status::Ok();
  }
  APOGEE_RETURN_IF_ERROR(io_.SyncDirectory(ParentOf(path)));
  APOGEE_RETURN_IF_ERROR(io_.SyncDirectory(directory_));
  *taken = file.written ? Taken::kWritten : Taken::kReserved;
  return Status::Ok();
}

void SegmentPool::Clear() {
  const std::lock_guard lock(mutex_);
  for (const Retired& file : files_) Drop(file.name);
  files_.clear();
}

size_t SegmentPool::size() const {
  const std::lock_guard lock(mutex_);
  return files_.size();
}

}  // namespace apogee
