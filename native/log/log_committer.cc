#include "log/log_committer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace apogee {

LogCommitter::LogCommitter(StoreIo& io, MappedFileQueue& segments, bool direct_io, int64_t wait_ms,
                           std::function<void()> on_full)
    : segments_(segments),
      direct_io_(direct_io),
      writes_directly_(direct_io),
      ring_(wait_ms, std::move(on_full)),
      zero_ahead_(io, direct_io) {}

Status LogCommitter::Open(uint64_t ring_bytes) {
  APOGEE_RETURN_IF_ERROR(ring_.Open(ring_bytes));
  ends_.Open(ring_.size());
  large_pages_.Begin(ring_.memory());
  return Status::Ok();
}

void LogCommitter::Begin(int64_t offset) {
  // Direct writes begin at a page, and so with what already stands in it.
  const auto file = segments_.Last();
  const auto in_page = static_cast<uint32_t>(offset % kDirectBytes);
  const int64_t position = file ? offset - file->start_offset() : 0;
  if (file && position >= in_page) {
    ring_.Begin(offset, {file->data() + position - in_page, in_page});
  } else {
    ring_.Begin(offset, {});
  }
  zero_ahead_.Begin(offset);
  committed_.store(offset, std::memory_order_release);
}

Status LogCommitter::CommitTo(int64_t end) {
  if (!failure_.ok()) return failure_;
  int64_t from = committed();
  while (from < end) {
    const auto file = segments_.Find(from);
    if (!file) {
      failure_ = Status::Error(StatusCode::kCorruption,
                               "no segment for the log at " + std::to_string(from));
      break;
    }
    const int64_t to = std::min(EndOfWrite(from, end), file->start_offset() + file->size());
    failure_ = CommitWithin(*file, from, to);
    if (!failure_.ok()) break;
    // In this order: who sees committed() move finds the room.
    ring_.Release(to);
    committed_.store(to, std::memory_order_release);
    from = to;
  }
  if (!failure_.ok()) ring_.Fail(failure_);
  return failure_;
}

// At most `end`, and behind a whole record, since up to there it will be read.
int64_t LogCommitter::EndOfWrite(int64_t from, int64_t end) {
  constexpr int64_t kStep = AppendEnds::kStepBytes;
  const int64_t step = (from + kWriteBytes) / kStep * kStep;
  return step < end ? ends_.AtOrBehind(step) : end;
}

// Whole pages straight from the ring, the last one from a copy with zeros behind its end: in the
// ring the appender is already there.
Status LogCommitter::CommitWithin(MappedFile& file, int64_t from, int64_t to) {
  if (direct_io_) OpenDirect(file);
  const int64_t start = file.start_offset();
  const int64_t first = file.direct() ? from - from % kDirectBytes : from;
  const int64_t last_page = std::max(first, to - to % kDirectBytes);
  const auto tail = static_cast<uint32_t>(to - last_page);
  const int64_t segment_end = start + file.size();
  int64_t padded = (to + kEndBytes + kDirectBytes - 1) / kDirectBytes * kDirectBytes;
  padded = std::min(padded, segment_end);
  uint8_t* const pages = last_pages_->bytes;
  const auto last_bytes = static_cast<uint32_t>(padded - last_page);
  std::memcpy(pages, ring_.At(last_page), tail);
  std::memset(pages + tail, 0, last_bytes - tail);

  zero_ahead_.BeforeWrite(padded);
  const std::span<const uint8_t> parts[] = {ring_.Bytes(first, last_page), {pages, last_bytes}};
  return file.WriteThrough(static_cast<uint32_t>(first - start), parts,
                           static_cast<uint32_t>(to - from));
}

void LogCommitter::OpenDirect(MappedFile& file) {
  if (direct_tried_ == file.start_offset()) return;
  direct_tried_ = file.start_offset();
  // Without it everything works as well, only through the page cache.
  writes_directly_ = file.OpenDirect(direct_durable_).ok();
}

}  // namespace apogee
