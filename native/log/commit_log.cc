#include "log/commit_log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
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
    : io_(io),
      clock_(clock),
      options_(std::move(options)),
      segments_(io, options_.directory, options_.segment_bytes, 0) {
  if (!options_.recycle_directory.empty()) {
    pool_ = std::make_unique<SegmentPool>(io, options_.recycle_directory, options_.segment_bytes);
    segments_.SetPool(pool_.get());
  }
  if (options_.write_path == WritePath::kStaged || options_.write_path == WritePath::kPool) {
    const bool direct_io = options_.direct_io && options_.segment_bytes % kDirectBytes == 0;
    committer_ =
        std::make_unique<LogCommitter>(io, segments_, direct_io, options_.staging_wait_ms, [this] {
          if (on_staged_) on_staged_();
        });
  }
}

Status CommitLog::Load() {
  if (pool_) APOGEE_RETURN_IF_ERROR(pool_->Load());
  APOGEE_RETURN_IF_ERROR(segments_.Load());
  if (committer_) {
    APOGEE_RETURN_IF_ERROR(committer_->Open(options_.staging_bytes));
    committer_->Begin(segments_.max_offset());
  }
  current_ = segments_.Last();
  appended_.store(segments_.max_offset(), std::memory_order_release);
  flushed_.store(segments_.flushed_offset(), std::memory_order_release);
  return Status::Ok();
}

Status CommitLog::CheckSizes(std::span<const MessageFields> records, uint32_t* total_bytes) const {
  uint64_t room = options_.segment_bytes - std::min(options_.segment_bytes, kBlankBytes);
  if (committer_) room = std::min<uint64_t>(room, committer_->ring().most_bytes() - kBlankBytes);
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
  APOGEE_RETURN_IF_ERROR(committer_ ? MakeStagedRoom(total_bytes) : MakeRoom(total_bytes));

  const int64_t now_ms = clock_.NowMs();
  PhysicalOffset at = appended();
  uint8_t* into = current_->write_position();
  if (committer_) {
    into = committer_->ring().At(at.value);
  } else {
    at = {current_->start_offset() + current_->wrote()};
  }
  for (MessageFields& record : records) {
    record.physical_offset = at;
    record.store_time_ms = now_ms;
    const uint32_t size_bytes = RecordSize(record);
    EncodeRecord(record, into);
    into += size_bytes;
    at = at + size_bytes;
  }
  if (committer_) {
    committer_->Appended(at.value - total_bytes, at.value);
  } else {
    current_->Publish(total_bytes);
  }
  // The time last: who reads it first, and then appended(), has a time of a record below that.
  appended_.store(at.value, std::memory_order_release);
  last_store_time_ms_.store(now_ms, std::memory_order_release);
  assert(flushed() <= appended());
  if (committer_) TellCommitter();
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
    APOGEE_RETURN_IF_ERROR(segments_.PrepareNext(kLogBegin));
    APOGEE_RETURN_IF_ERROR(segments_.WritableFile(kLogBegin, &current_));
  }
  if (uint64_t{bytes} + kBlankBytes > current_->space_left()) APOGEE_RETURN_IF_ERROR(Roll());
  return current_->PrepareWrite(bytes);
}

// Ends the current segment with a blank record and goes on to the next, which exists first: when it
// cannot be had, nothing has changed.
Status CommitLog::Roll() {
  APOGEE_RETURN_IF_ERROR(segments_.PrepareNext(kLogBegin));
  const uint32_t left = current_->space_left();
  if (left >= kBlankBytes) {
    APOGEE_RETURN_IF_ERROR(current_->PrepareWrite(kBlankBytes));
    StoreBe32(current_->write_position(), left);
    StoreBe32(current_->write_position() + 4, kBlankMagic);
  }
  current_->Publish(left);
  if (on_progress_) on_progress_();
  return segments_.WritableFile(kLogBegin, &current_);
}

// Makes room for `bytes` in the staging ring, with a place for them and a blank behind in a
// segment.
Status CommitLog::MakeStagedRoom(uint32_t bytes) {
  if (!current_) {
    APOGEE_RETURN_IF_ERROR(segments_.PrepareNext(kLogBegin));
    APOGEE_RETURN_IF_ERROR(segments_.NextFile(kLogBegin, &current_));
  }
  const int64_t end = current_->start_offset() + current_->size();
  const auto left = static_cast<uint32_t>(end - appended().value);
  if (uint64_t{bytes} + kBlankBytes > left) APOGEE_RETURN_IF_ERROR(RollStaged(left));
  const int64_t from = appended().value;
  const auto position = static_cast<uint32_t>(from - current_->start_offset());
  APOGEE_RETURN_IF_ERROR(current_->ReserveTo(position, position + bytes));
  return committer_->ring().Reserve(from, bytes);
}

// As Roll, in the ring; the rest of the segment is zeros there too. The blank counts as appended by
// itself, since the batch behind it may have to wait until it is committed.
Status CommitLog::RollStaged(uint32_t left) {
  APOGEE_RETURN_IF_ERROR(segments_.PrepareNext(kLogBegin));
  if (left > 0) {
    const int64_t from = appended().value;
    const uint32_t position = current_->size() - left;
    APOGEE_RETURN_IF_ERROR(current_->ReserveTo(position, current_->size()));
    APOGEE_RETURN_IF_ERROR(committer_->ring().Reserve(from, left));
    uint8_t* const blank = committer_->ring().At(from);
    std::memset(blank, 0, left);
    if (left >= kBlankBytes) {
      StoreBe32(blank, left);
      StoreBe32(blank + 4, kBlankMagic);
    }
  }
  const int64_t end = current_->start_offset() + current_->size();
  committer_->Appended(end - left, end);
  // The next segment first: who is told of the end looks for what follows there.
  APOGEE_RETURN_IF_ERROR(segments_.NextFile(kLogBegin, &current_));
  appended_.store(end, std::memory_order_release);
  if (on_progress_) on_progress_();
  return Status::Ok();
}

// Once for each time the committer has to be asked.
void CommitLog::TellCommitter() {
  const int64_t committed = committer_->committed();
  if (told_at_ == committed || !on_staged_) return;
  if (appended().value - committed < committer_->ring().size() / 4) return;
  told_at_ = committed;
  on_staged_();
}

void CommitLog::ExpectSmallSyncs() {
  small_syncs_ = true;
  if (committer_) return committer_->ExpectSmallSyncs();  // pages are single there in any case
  segments_.AdviseSmallWrites();
  if (current_) current_->AdviseSmallWrites(true);
}

Status CommitLog::ReadSegmentTo(PhysicalOffset end, PhysicalOffset offset, RecordRef* bytes) const {
  if (offset.value < 0 || offset >= end) return NotFound(offset);
  std::shared_ptr<MappedFile> file = segments_.Find(offset.value);
  if (!file) return NotFound(offset);
  const int64_t from = offset.value - file->start_offset();
  const int64_t to = std::min<int64_t>(end.value - file->start_offset(), file->size());
  if (from >= to) return NotFound(offset);
  bytes->bytes = {file->data() + from, static_cast<size_t>(to - from)};
  bytes->file = std::move(file);
  return Status::Ok();
}

Status CommitLog::ReadNewestTo(PhysicalOffset end, PhysicalOffset offset, RecordRef* bytes,
                               StagingRing::Pin* pin) const {
  APOGEE_RETURN_IF_ERROR(ReadSegmentTo(end, offset, bytes));
  if (*pin) {
    pin->MoveTo(offset.value);
  } else {
    *pin = Keep(offset);
  }
  if (*pin) {
    const auto size_bytes = static_cast<int64_t>(bytes->bytes.size());
    bytes->bytes = committer_->ring().Bytes(offset.value, offset.value + size_bytes);
  }
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

PhysicalOffset CommitLog::committed() const {
  return committer_ ? PhysicalOffset{committer_->committed()} : appended();
}

PhysicalOffset CommitLog::flushed() const { return {flushed_.load(std::memory_order_acquire)}; }

int64_t CommitLog::last_store_time_ms() const {
  return last_store_time_ms_.load(std::memory_order_acquire);
}

int64_t CommitLog::flushed_store_time_ms() const {
  return flushed_store_time_ms_.load(std::memory_order_acquire);
}

Status CommitLog::Commit() {
  return committer_ ? committer_->CommitTo(appended().value) : Status::Ok();
}

Status CommitLog::Flush(PhysicalOffset* flushed) {
  int64_t newest_ms = last_store_time_ms();
  // Until its millisecond is over, more records of that time may come.
  if (newest_ms > 0 && newest_ms >= clock_.NowMs()) --newest_ms;
  const int64_t target = appended_.load(std::memory_order_acquire);
  int64_t on_device = this->flushed().value;
  Status status = committer_ ? committer_->CommitTo(target) : Status::Ok();
  if (status.ok()) status = segments_.Flush(&on_device);
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
  if (committer_) committer_->Begin(end);
  appended_.store(end, std::memory_order_release);
  flushed_.store(end, std::memory_order_release);
  last_store_time_ms_.store(last_store_time_ms, std::memory_order_release);
  flushed_store_time_ms_.store(last_store_time_ms, std::memory_order_release);
  return Status::Ok();
}

std::shared_ptr<MappedFile> CommitLog::FileToPrepare(int64_t offset) const {
  for (auto file : {segments_.Find(offset), segments_.Prepared()}) {
    const int64_t at = file ? offset - file->start_offset() : -1;
    if (at >= 0 && at < options_.segment_bytes) return file;
  }
  return nullptr;
}

bool CommitLog::PrepareAhead() {
  const int64_t appended = appended_.load(std::memory_order_acquire);
  const auto last = segments_.Last();
  if (const auto written = written_.lock(); written != last) {
    if (written) written->AdviseSmallWrites(false);  // from now on it is only read
    written_ = last;
  }
  const int64_t left = last ? last->start_offset() + last->size() - appended : 0;
  bool more = committer_ && committer_->PrepareRing(appended);
  if (left <= std::max(options_.segment_bytes / 2, kPrepareAheadBytes)) {
    // A recycled segment takes its time; when there is none left a fresh one must do.
    const bool urgent = left < std::min(options_.segment_bytes / 8, kPrepareAheadBytes);
    const bool zeroing =
        pool_ && !urgent && !segments_.Prepared() && pool_->ZeroStep(small_syncs_);
    // Told to the appender when it needs the segment and still cannot have it.
    if (!zeroing) [[maybe_unused]]
      const Status status = segments_.PrepareNext(kLogBegin);
    more = more || zeroing;
  }
  return PrepareBytes(appended) || more;
}

// Whether appends are slow enough for single pages, which cost more, but never much at once.
bool CommitLog::IsCalm(int64_t appended) {
  const int64_t bytes = appended - judged_at_;
  if (bytes >= kProgressStepBytes) {
    const int64_t now_us = clock_.MonotonicUs();
    calm_ = bytes < (now_us - judged_us_) * kCalmBytesPerUs;
    judged_us_ = now_us;
    judged_at_ = appended;
  }
  return calm_;
}

// A step of what comes next.
bool CommitLog::PrepareBytes(int64_t appended) {
  const int64_t ahead = options_.warm ? options_.segment_bytes : kPrepareAheadBytes;
  const int64_t target = appended + std::max<int64_t>(ahead, kPrepareAheadBytes);
  // Under small syncs the staged path wants blocks that are written; a step is small, since the
  // next sync may have to wait for it.
  const bool zeros = committer_ && small_syncs_;
  const int64_t prepared = this->prepared().value;
  int64_t from = std::max(prepared, appended);
  // Overtaken: right before the committer nothing is won.
  if (zeros && from > prepared && prepared > 0) from += kProgressStepBytes;
  if (from >= target) return false;
  const auto file = FileToPrepare(from);
  if (!file) return false;
  const int64_t start = file->start_offset();
  const int64_t step = zeros ? kZeroStepBytes : kProgressStepBytes;
  int64_t to = std::min({target, from + step, start + file->size()});
  if (zeros) to = std::min(to + kDirectBytes - to % kDirectBytes, start + file->size());
  if (!zeros && options_.direct_io && committer_) return false;  // pages would only be in the way
  if (!zeros) {
    // The pages of an old segment may have to be read.
    const bool calm = IsCalm(appended) && !file->prewritten();
    file->AdviseSmallWrites(small_syncs_ || calm);
    file->Populate(static_cast<uint32_t>(from - start), static_cast<uint32_t>(to - start));
  } else if (!file->prewritten() && !committer_->zero_ahead().Step(*file, from, to).ok()) {
    return false;  // the committer's own sync will tell
  }
  prepared_to_.store(to, std::memory_order_release);
  return true;
}

}  // namespace apogee
