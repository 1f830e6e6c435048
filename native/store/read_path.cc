#include "store/read_path.h"

#include <algorithm>

#include "format/message_record.h"
#include "store/pull_scan.h"

namespace apogee {
namespace {

// Max first: the min read after it may lie above only while a queue that starts in the middle gets
// its first entry.
QueueBounds BoundsOf(const ConsumeQueue& queue) {
  const QueueOffset max = queue.max();
  return {std::min(queue.min(), max), max};
}

}  // namespace

PullResult ReadPath::Pull(const PullRequest& request, std::span<uint8_t> into) const {
  PullResult result;
  const ConsumeQueue* queue = queues_.Find({request.topic, request.queue_id});
  if (queue == nullptr) return result;
  const QueueBounds bounds = BoundsOf(*queue);
  result.min = bounds.min;
  result.max = bounds.max;
  if (bounds.max.value == 0) {
    result.status = PullStatus::kNoMessageInQueue;
  } else if (request.from < bounds.min) {
    result.status = PullStatus::kOffsetTooSmall;
    result.next_begin = bounds.min;
  } else if (request.from == bounds.max) {
    result.status = PullStatus::kOffsetOverflowOne;
    result.next_begin = request.from;
  } else if (request.from > bounds.max) {
    result.status = PullStatus::kOffsetOverflowBadly;
    result.next_begin = bounds.max;
  } else if (const QueueEntries entries = queue->Read(request.from); entries.count > 0) {
    PullScan(log_, check_, *queue, request, into).Run(entries, &result);
  } else {
    // Taken by retention meanwhile, or the file cannot be mapped now: that passes over no messages.
    result.status = PullStatus::kOffsetFoundNull;
    result.next_begin = std::max(request.from, queue->min());
  }
  return result;
}

bool ReadPath::Bounds(QueueId id, QueueBounds* bounds) const {
  const ConsumeQueue* queue = queues_.Find(id);
  if (queue == nullptr) return false;
  *bounds = BoundsOf(*queue);
  return true;
}

size_t ReadPath::ReadEntries(QueueId id, QueueOffset from,
                             std::span<ConsumeQueueEntry> into) const {
  const ConsumeQueue* queue = queues_.Find(id);
  size_t count = 0;
  std::shared_ptr<QueueFile> extension;
  while (queue != nullptr && from >= queue->min() && count < into.size()) {
    const QueueEntries entries = queue->Read(from);
    if (entries.count == 0) break;
    const int64_t taken = std::min(entries.count, static_cast<int64_t>(into.size() - count));
    for (int64_t i = 0; i < taken; ++i) {
      ConsumeQueueEntry entry = entries[i];
      ExtensionUnit unit;
      if (IsExtensionAddress(entry.tag_code) &&
          queue->ReadExtension(entry.tag_code, &extension, &unit)) {
        entry.tag_code = unit.tag_code;
      }
      into[count++] = entry;
    }
    from = from + taken;
  }
  return count;
}

// Java's binary search with its edges: an equal time wins; behind the last message the last one;
// else the nearer neighbour, the older one when both are as near. 0 for a queue without messages or
// one whose record is unreadable.
QueueOffset ReadPath::OffsetByTime(QueueId id, int64_t store_time_ms) const {
  const ConsumeQueue* queue = queues_.Find(id);
  if (queue == nullptr) return {0};
  const auto [min, max] = BoundsOf(*queue);
  const PhysicalOffset log_min = log_.min_offset();
  int64_t low = min.value;
  int64_t high = max.value - 1;
  int64_t left = -1, right = -1, left_time_ms = -1, right_time_ms = -1;
  while (low <= high) {
    const int64_t middle = low + (high - low) / 2;
    ConsumeQueueEntry entry;
    int64_t told_by = middle;
    // Where the log has lost messages the entry behind them tells.
    while (queue->Get({told_by}, &entry) && entry == kFillEntry && told_by < high) ++told_by;
    if (!queue->Get({told_by}, &entry)) return {0};
    if (entry == kFillEntry) {
      high = middle - 1;
      continue;
    }
    if (entry.physical_offset < log_min) {
      low = told_by + 1;
      continue;
    }
    const int64_t time_ms = StoreTimeOf(entry.physical_offset);
    if (time_ms < 0) return {0};
    if (time_ms == store_time_ms) return {told_by};
    if (time_ms > store_time_ms) {
      high = middle - 1;
      right = told_by;
      right_time_ms = time_ms;
    } else {
      low = told_by + 1;
      left = told_by;
      left_time_ms = time_ms;
    }
  }
  if (left < 0 && right < 0) return max;
  if (left < 0) return {right};
  if (right < 0) return {left};
  return {store_time_ms - left_time_ms > right_time_ms - store_time_ms ? right : left};
}

int64_t ReadPath::StoreTimeAt(QueueId id, QueueOffset offset) const {
  const ConsumeQueue* queue = queues_.Find(id);
  ConsumeQueueEntry entry;
  if (queue == nullptr || offset < queue->min() || !queue->Get(offset, &entry)) return -1;
  return StoreTimeOf(entry.physical_offset);
}

int64_t ReadPath::EarliestStoreTime() const { return StoreTimeOf(log_.min_offset()); }

Status ReadPath::ReadRecord(PhysicalOffset offset, std::vector<uint8_t>* record) const {
  RecordRef found;
  APOGEE_RETURN_IF_ERROR(Borrow(offset, &found));
  record->assign(found.bytes.begin(), found.bytes.end());
  return Status::Ok();
}

Status ReadPath::Borrow(PhysicalOffset offset, RecordRef* record) const {
  APOGEE_RETURN_IF_ERROR(log_.Read(offset, 0, record));
  if (!check_.Passes(offset, record->bytes, log_.appended())) {
    return Status::Error(StatusCode::kNotFound,
                         "the message at " + std::to_string(offset.value) + " is damaged");
  }
  return Status::Ok();
}

int64_t ReadPath::StoreTimeOf(PhysicalOffset offset) const {
  RecordRef found;
  if (!log_.Read(offset, 0, &found).ok()) return -1;
  const RecordView record = ParseRecord(found.bytes, false);
  return record.kind == RecordKind::kMessage ? record.fields.store_time_ms : -1;
}

}  // namespace apogee
