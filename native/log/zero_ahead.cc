#include "log/zero_ahead.h"

#include <algorithm>

namespace apogee {

void ZeroAhead::BeforeWrite(int64_t end) {
  std::unique_lock lock(mutex_);
  // Everything claimed lies behind what was committed before, so its beginning decides.
  done_.wait(lock, [&] { return claimed_from_ == claimed_to_ || end <= claimed_from_; });
  committing_to_ = std::max(committing_to_, end);
}

Status ZeroAhead::Step(const MappedFile& file, int64_t from, int64_t to) {
  {
    const std::lock_guard lock(mutex_);
    from = std::max(from, committing_to_);
    from = (from + kDirectBytes - 1) / kDirectBytes * kDirectBytes;
    if (from >= to) return Status::Ok();
    claimed_from_ = from;
    claimed_to_ = to;
  }
  const Status written = Write(file, from, to);
  {
    const std::lock_guard lock(mutex_);
    claimed_from_ = claimed_to_;
  }
  done_.notify_one();
  // Outside the claim: the committer may write there meanwhile.
  return written.ok() ? file_->Sync() : written;
}

Status ZeroAhead::Write(const MappedFile& file, int64_t from, int64_t to) {
  if (!file_ || path_ != file.path()) APOGEE_RETURN_IF_ERROR(OpenFile(file.path()));
  const auto count = static_cast<size_t>(to - from);
  const size_t pages = (count + kDirectBytes - 1) / kDirectBytes;
  if (zeros_.size() < pages) zeros_.resize(pages);
  const auto* const zeros = reinterpret_cast<const uint8_t*>(zeros_.data());
  return file_->Write(static_cast<uint64_t>(from - file.start_offset()), {zeros, count});
}

Status ZeroAhead::OpenFile(const std::string& path) {
  file_.reset();
  path_ = path;
  if (direct_io_ && io_.Open(path, StoreIo::OpenMode::kDirect, &file_).ok()) return Status::Ok();
  return io_.Open(path, StoreIo::OpenMode::kReadWrite, &file_);
}

}  // namespace apogee
