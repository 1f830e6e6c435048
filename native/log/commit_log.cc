#include "log/commit_log.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/bytes.h"

namespace apogee {
namespace {

// Where the log of a store that never wrote begins.
constexpr int64_t kLogBegin = 0;
constexpr uint32_t kPhysicalOffsetAt = 28;
constexpr uint32_t kLeastRecordBytes = 91;

Status NotFound(PhysicalOffset offset) {
  return Status::Error(StatusCode::kNotFound, "no message at " + std::to_string(offset.value));
}

Status TooLarge(const char* what, size_t size_bytes, size_t limit_bytes) {
  return Status::Error(StatusCode::kTooLarge,
                       std::string(what) + " of " + std::to_string(size_bytes) +
                           " bytes is over the limit of " + std::to_string(limit_bytes));
}

}  // namespace

bool IsRecordAt(std::span<const uint8_t> bytes, PhysicalOffset offset, uint32_t* size_bytes) {
  if (bytes.size() < kLeastRecordBytes) return false;
  const uint32_t magic = LoadBe32(bytes.data() + 4);
  if (magic != kMessageMagicV1 && magic != kMessageMagicV2) return false;
  *size_bytes = LoadBe32(bytes.data());
  if (*size_bytes < kLeastRecordBytes || *size_bytes > bytes.size()) return false;
  return LoadBe64(bytes.data() + kPhysicalOffsetAt) == static_cast<uint64_t>(offset.value);
}

CommitLog::CommitLog(StoreIo& io, const Clock& clock, CommitLogOptions options)
    : clock_(clock),
      options_(std::move(options)),
      segments_(io, options_.directory, options_.segment_bytes, 0) {}

Status CommitLog::Load() {
  APOGEE_RETURN_IF_ERROR(segments_.Load());
  current_ = segments_.Last();
  appended_.store(segments_.max_offset(), std::memory_order_release);
  flushed_.store(segments_.flushed_offset(), std::memory_order_release);
  return Status::Ok();
}

Status CommitLog::CheckSizes(std::span<const MessageFields> records, uint32_t* total_bytes) const {
  const uint64_t room = options_.segment_bytes - std::min(options_.segment_bytes, kBlankBytes);
  uint64_t total = 0;
  for (const MessageFields& record : records) {
    if (record.body.size() > options_.max_body_bytes) {
      return TooLarge("a body", record.body.size(), options_.max_body_bytes);
    }
    if (record.properties.size() > kMaxPropertiesBytes) {
      return TooLarge("a property text", record.properties.size(), kMaxPropertiesBytes);
    }
    if (record.topic.size() > kMaxTopicBytes) {
      return TooLarge("a topic", record.topic.size(), kMaxTopicBytes);
    }
    total += RecordSize(record);
    if (total > room) return TooLarge("a record or batch", total, room);
  }
  *total_bytes = static_cast<uint32_t>(total);
  return Status::Ok();
}

Status CommitLog::Append(std::span<MessageFields> records, PhysicalOffset* end) {
  for (MessageFields& record : records) record.store_host = options_.store_host;
  uint32_t total_bytes = 0;
  APOGEE_RETURN_IF_ERROR(CheckSizes(records, &total_bytes));
  if (records.empty()) {
    *end = appended();
    return Status::Ok();
  }
  APOGEE_RETURN_IF_ERROR(MakeRoom(total_bytes));

  const int64_t now_ms = clock_.NowMs();
  uint8_t* into = current_->write_position();
  PhysicalOffset at{current_->start_offset() + current_->wrote()};
  for (MessageFields& record : records) {
    record.physical_offset = at;
    record.store_time_ms = now_ms;
    const uint32_t size_bytes = RecordSize(record);
    EncodeRecord(record, into);
    into += size_bytes;
    at = at + size_bytes;
  }
  current_->Publish(total_bytes);
  // The time last: who reads it first, and then appended(), has a time of a record below that.
  appended_.store(at.value, std::memory_order_release);
  last_store_time_ms_.store(now_ms, std::memory_order_release);
  assert(flushed() <= appended());
  if (at.value >= next_progress_ && on_progress_) {
    next_progress_ = at.value + kProgressStepBytes;
    on_progress_();
  }
  *end = at;
  return Status::Ok();
}

// Makes current_ a segment that takes `bytes` and a blank behind them, with its blocks reserved.
Status CommitLog::MakeRoom(uint32_t bytes) {
  if (!current_) {
    APOGEE_RETURN_IF_ERROR(PrepareNext());
    APOGEE_RETURN_IF_ERROR(segments_.WritableFile(kLogBegin, &current_));
  }
  if (uint64_t{bytes} + kBlankBytes > current_->space_left()) APOGEE_RETURN_IF_ERROR(Roll());
  return current_->PrepareWrite(bytes);
}

// Ends the current segment with a blank record and goes on to the next, which exists first: when it
// cannot be had, nothing has changed.
Status CommitLog::Roll() {
  APOGEE_RETURN_IF_ERROR(PrepareNext());
  const uint32_t left = current_->space_left();
  if (left >= kBlankBytes) {
    APOGEE_RETURN_IF_ERROR(current_->PrepareWrite(kBlankBytes));
    StoreBe32(current_->write_position(), left);
    StoreBe32(current_->write_position() + 4, kBlankMagic);
  }
  current_->Publish(left);
  if (small_syncs_) current_->AdviseSmallWrites(false);  // from now on it is only read
  return segments_.WritableFile(kLogBegin, &current_);
}

Status CommitLog::PrepareNext() {
  APOGEE_RETURN_IF_ERROR(segments_.PrepareNext(kLogBegin));
  const auto next = small_syncs_ ? segments_.Prepared() : nullptr;
  if (next) next->AdviseSmallWrites(true);
  return Status::Ok();
}

void CommitLog::ExpectSmallSyncs() {
  small_syncs_ = true;
  if (current_) current_->AdviseSmallWrites(true);
}

Status CommitLog::ReadSegment(PhysicalOffset offset, RecordRef* bytes) const {
  const int64_t end = appended_.load(std::memory_order_acquire);
  if (offset.value < 0 || offset.value >= end) return NotFound(offset);
  std::shared_ptr<MappedFile> file = segments_.Find(offset.value);
  if (!file) return NotFound(offset);
  const int64_t from = offset.value - file->start_offset();
  const int64_t to = std::min<int64_t>(end - file->start_offset(), file->size());
  if (from >= to) return NotFound(offset);
  bytes->bytes = {file->data() + from, static_cast<size_t>(to - from)};
  bytes->file = std::move(file);
  return Status::Ok();
}

Status CommitLog::Read(PhysicalOffset offset, uint32_t size_hint, RecordRef* record) const {
  RecordRef found;
  APOGEE_RETURN_IF_ERROR(ReadSegment(offset, &found));
  uint32_t size_bytes = 0;
  if (!IsRecordAt(found.bytes, offset, &size_bytes)) return NotFound(offset);
  if (size_hint != 0 && size_hint != size_bytes) return NotFound(offset);
  record->bytes = found.bytes.first(size_bytes);
  record->file = std::move(found.file);
  return Status::Ok();
}

PhysicalOffset CommitLog::min_offset() const { return {segments_.min_offset()}; }

PhysicalOffset CommitLog::appended() const { return {appended_.load(std::memory_order_acquire)}; }

PhysicalOffset CommitLog::flushed() const { return {flushed_.load(std::memory_order_acquire)}; }

int64_t CommitLog::last_store_time_ms() const {
  return last_store_time_ms_.load(std::memory_order_acquire);
}

int64_t CommitLog::flushed_store_time_ms() const {
  return flushed_store_time_ms_.load(std::memory_order_acquire);
}

Status CommitLog::Flush(PhysicalOffset* flushed) {
  int64_t newest_ms = last_store_time_ms();
  // Until its millisecond is over, more records of that time may come.
  if (newest_ms > 0 && newest_ms >= clock_.NowMs()) --newest_ms;
  const int64_t target = appended_.load(std::memory_order_acquire);
  int64_t on_device = 0;
  const Status status = segments_.Flush(&on_device);
  // The segments may have got further than what was appended when we looked; never claim that.
  const int64_t reached = status.ok() ? target : std::min(target, on_device);
  flushed_.store(std::max(reached, flushed_.load(std::memory_order_relaxed)),
                 std::memory_order_release);
  if (status.ok()) flushed_store_time_ms_.store(newest_ms, std::memory_order_release);
  *flushed = this->flushed();
  return status;
}

Status CommitLog::TruncateAfter(PhysicalOffset offset, int64_t last_store_time_ms, CutTail tail) {
  APOGEE_RETURN_IF_ERROR(segments_.TruncateAfter(offset.value, tail));
  for (const auto& file : segments_.files()) APOGEE_RETURN_IF_ERROR(file->SyncAll());
  current_ = segments_.Last();
  const int64_t end = segments_.max_offset();
  appended_.store(end, std::memory_order_release);
  flushed_.store(end, std::memory_order_release);
  last_store_time_ms_.store(last_store_time_ms, std::memory_order_release);
  flushed_store_time_ms_.store(last_store_time_ms, std::memory_order_release);
  return Status::Ok();
}

std::shared_ptr<MappedFile> CommitLog::FileToPopulate(int64_t offset) const {
  for (auto file : {segments_.Find(offset), segments_.Prepared()}) {
    const int64_t at = file ? offset - file->start_offset() : -1;
    if (at >= 0 && at < options_.segment_bytes) return file;
  }
  return nullptr;
}

bool CommitLog::PrepareAhead() {
  const auto last = segments_.Last();
  const uint32_t next_below = std::max(options_.segment_bytes / 2, kPrepareAheadBytes);
  if (!last || last->space_left() <= next_below) {
    // Told to the appender when it needs the segment and still cannot have it.
    [[maybe_unused]] const Status status = PrepareNext();
  }
  const int64_t appended = appended_.load(std::memory_order_acquire);
  const int64_t target = appended + kPrepareAheadBytes;
  const int64_t from = std::max(populated_to_, appended);
  if (from >= target) return false;
  const auto file = FileToPopulate(from);
  if (!file) return false;
  const int64_t start = file->start_offset();
  const int64_t to = std::min({target, from + kProgressStepBytes, start + file->size()});
  file->Populate(static_cast<uint32_t>(from - start), static_cast<uint32_t>(to - start));
  populated_to_ = to;
  return true;
}

}  // namespace apogee
