#include "store/topic_trimmer.h"

#include <algorithm>

namespace apogee {
namespace {

int64_t SizeOf(const ConsumeQueue& queue, int64_t offset) {
  ConsumeQueueEntry entry;
  if (!queue.Get({offset}, &entry) || entry == kFillEntry) return 0;
  return std::max<int64_t>(entry.size_bytes, 0);
}

}  // namespace

Status TopicTrimmer::Trim(const std::map<std::string, TopicRetention>& retentions, int64_t now_ms) {
  if (retentions.empty()) return Status::Ok();
  std::map<std::string, Queues, std::less<>> by_topic;
  for (ConsumeQueue* queue : queues_.All()) {
    const std::string_view name = topics_.Name(queue->id().topic);
    if (const auto found = retentions.find(std::string(name)); found != retentions.end()) {
      by_topic[found->first].push_back(queue);
    }
  }
  for (const auto& [name, queues] : by_topic) {
    const TopicRetention& retention = retentions.at(name);
    for (ConsumeQueue* queue : queues) {
      if (retention.time_ms > 0) {
        APOGEE_RETURN_IF_ERROR(TrimByTime(*queue, now_ms - retention.time_ms));
      }
    }
    if (retention.bytes > 0) APOGEE_RETURN_IF_ERROR(TrimByBytes(queues, retention.bytes));
  }
  return Status::Ok();
}

// The first entry stored behind `oldest_ms`, by a binary search. One whose record cannot be read is
// passed by: it says nothing.
Status TopicTrimmer::TrimByTime(ConsumeQueue& queue, int64_t oldest_ms) const {
  int64_t low = queue.min().value;
  int64_t high = queue.max().value;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    int64_t told_by = middle;
    int64_t time_ms = -1;
    for (; told_by < high && time_ms < 0; ++told_by)
      time_ms = reads_.StoreTimeAt(queue.id(), {told_by});
    if (time_ms >= 0 && time_ms <= oldest_ms) {
      low = told_by;
    } else {
      high = middle;
    }
  }
  int removed = 0;
  return queue.AdvanceMin({low}, &removed);
}

// Brings a count up to date with what the queue has now. False when `budget` entries were not
// enough.
bool TopicTrimmer::Count(const ConsumeQueue& queue, int64_t* budget, Counted* counted) const {
  const int64_t min = queue.min().value;
  const int64_t max = queue.max().value;
  if (max < counted->to || min < counted->from || min >= counted->to) *counted = {min, min, 0};
  // What went with its file cannot be counted out: all that is left is counted again.
  ConsumeQueueEntry first;
  if (counted->from < min && !queue.Get({counted->from}, &first)) *counted = {min, min, 0};
  for (; counted->from < min && *budget > 0; --*budget) {
    counted->bytes -= SizeOf(queue, counted->from++);
  }
  for (; counted->to < max && *budget > 0; --*budget) {
    counted->bytes += SizeOf(queue, counted->to++);
  }
  return counted->from == min && counted->to >= max;
}

Status TopicTrimmer::TrimByBytes(const Queues& queues, int64_t limit_bytes) {
  int64_t budget = kEntriesPerRound;
  int64_t total_bytes = 0;
  for (const ConsumeQueue* queue : queues) {
    Counted& counted = counted_[queue];
    if (!Count(*queue, &budget, &counted)) return Status::Ok();
    total_bytes += counted.bytes;
  }
  // The oldest of all queues goes first.
  while (total_bytes > limit_bytes && budget-- > 0) {
    ConsumeQueue* oldest = nullptr;
    PhysicalOffset oldest_at;
    for (ConsumeQueue* queue : queues) {
      const Counted& counted = counted_[queue];
      ConsumeQueueEntry first;
      if (counted.from >= counted.to || !queue->Get({counted.from}, &first)) continue;
      if (oldest != nullptr && first.physical_offset >= oldest_at) continue;
      oldest = queue;
      oldest_at = first.physical_offset;
    }
    if (oldest == nullptr) break;
    Counted& counted = counted_[oldest];
    const int64_t size_bytes = SizeOf(*oldest, counted.from++);
    counted.bytes -= size_bytes;
    total_bytes -= size_bytes;
  }
  for (ConsumeQueue* queue : queues) {
    int removed = 0;
    APOGEE_RETURN_IF_ERROR(queue->AdvanceMin({counted_[queue].from}, &removed));
  }
  return Status::Ok();
}

}  // namespace apogee
