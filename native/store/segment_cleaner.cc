#include "store/segment_cleaner.h"

#include <utility>

#include "format/message_record.h"

namespace apogee {
namespace {

// References to a segment nobody reads: the log's own and ours.
constexpr long kUnpinnedReferences = 2;
// A pull holds a segment for microseconds: worth a short wait.
constexpr int kPinnedLooks = 20;
constexpr int64_t kPinnedPauseMs = 1;

// Store time of the first record at or behind `offset`, which starts a segment; -1 when there is
// none. Nothing before it was stored later, unless the clock went back, and then its time is the
// one that today's clock can be compared with.
int64_t StoredBy(const CommitLog& log, int64_t offset) {
  for (; offset < log.appended().value; offset += log.segments().file_size()) {
    RecordRef found;
    if (!log.Read({offset}, 0, &found).ok()) continue;
    const RecordView record = ParseRecord(found.bytes, false);
    if (record.kind == RecordKind::kMessage) return record.fields.store_time_ms;
  }
  return -1;
}

}  // namespace

SegmentCleaner::SegmentCleaner(Parts parts)
    : parts_(std::move(parts)), trimmed_below_(parts_.log.min_offset()) {}

bool SegmentCleaner::MayGo(const MappedFile& segment, const Rule& rule) const {
  const PhysicalOffset end{segment.start_offset() + segment.size()};
  if (end > rule.below || end > parts_.durable()) return false;
  if (!rule.by_age) return true;
  const int64_t stored_by_ms = StoredBy(parts_.log, end.value);
  return stored_by_ms >= 0 && stored_by_ms <= rule.stored_until_ms;
}

// Whether a reader holds the segment, and has not for too long.
bool SegmentCleaner::Pinned(const std::shared_ptr<MappedFile>& segment,
                            const RetentionOptions& options) {
  for (int look = 0; segment.use_count() > kUnpinnedReferences; ++look) {
    if (look < kPinnedLooks && parts_.pause(kPinnedPauseMs)) continue;
    const int64_t now_us = parts_.log.clock().MonotonicUs();
    if (pinned_start_ != segment->start_offset()) {
      pinned_start_ = segment->start_offset();
      pinned_since_us_ = now_us;
    }
    return now_us - pinned_since_us_ < options.destroy_pinned_after_ms * 1000;
  }
  return false;
}

Status SegmentCleaner::Delete(const Rule& rule, const RetentionOptions& options, Deleted* deleted) {
  for (int count = 0; count < rule.at_most; ++count) {
    MappedFileQueue& segments = parts_.log.segments();
    std::shared_ptr<MappedFile> first = segments.First();
    if (!first || first == segments.Last() || !MayGo(*first, rule)) return Status::Ok();
    if (count > 0 && !parts_.pause(options.delete_segment_interval_ms)) return Status::Ok();
    if (Pinned(first, options)) return Status::Ok();
    const int64_t start = first->start_offset();
    const uint32_t size_bytes = first->size();
    first.reset();  // what nobody holds may be used again
    const Status removed = segments.RemoveFirstBefore(start + size_bytes, rule.removal);
    if (removed.code() == StatusCode::kNotFound) return Status::Ok();
    APOGEE_RETURN_IF_ERROR(removed);
    ++deleted->segments;
    deleted->bytes += size_bytes;
    if (parts_.on_segment_removed) parts_.on_segment_removed({start});
  }
  return Status::Ok();
}

Status SegmentCleaner::TrimDerived(const RetentionOptions& options) {
  const PhysicalOffset log_min = parts_.log.min_offset();
  if (log_min <= trimmed_below_) return Status::Ok();
  for (ConsumeQueue* queue : parts_.queues.All()) {
    int removed = 0;
    APOGEE_RETURN_IF_ERROR(queue->TrimBelow(log_min, &removed));
    if (removed > 0 && !parts_.pause(options.delete_queue_files_interval_ms)) return Status::Ok();
  }
  while (parts_.index != nullptr) {
    const Status removed = parts_.index->RemoveFirstBefore(log_min);
    if (removed.code() == StatusCode::kNotFound) break;
    APOGEE_RETURN_IF_ERROR(removed);
    if (!parts_.pause(options.delete_queue_files_interval_ms)) return Status::Ok();
  }
  trimmed_below_ = log_min;
  return Status::Ok();
}

}  // namespace apogee
