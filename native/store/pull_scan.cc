#include "store/pull_scan.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace apogee {
namespace {

constexpr int64_t kEntryBytes = kConsumeQueueEntryBytes;
// Java's bound on the queue bytes looked at by one pull whose filter matches nothing.
constexpr int64_t kLeastScannedBytes = 16000;
int64_t ScanLimit(int32_t max_count) {
  return (std::max(kLeastScannedBytes, int64_t{max_count} * kEntryBytes) + kEntryBytes - 1) /
         kEntryBytes;
}

}  // namespace

void PullScan::Run(const QueueEntries& entries, PullResult* result) {
  constexpr int64_t kNoSkip = std::numeric_limits<int64_t>::min();
  result->status = PullStatus::kNoMatchedMessage;
  const int64_t limit = std::min(entries.count, ScanLimit(request_.max_count));
  int64_t skip_below = kNoSkip;
  const int64_t appended = log_.appended().value;
  int64_t last_seen = 0;
  int64_t i = 0;
  for (; i < limit; ++i) {
    const ConsumeQueueEntry entry = entries[i];
    if (entry.physical_offset.value < skip_below) continue;
    last_seen = std::clamp<int64_t>(entry.physical_offset.value, 0, appended);
    if (Full(entry, *result)) break;
    if (!Passes(entry.tag_code)) {
      if (result->count == 0) result->status = PullStatus::kNoMatchedMessage;
      continue;
    }
    std::span<const uint8_t> record;
    if (!Locate(entry, &record)) {
      if (result->count == 0) result->status = PullStatus::kMessageWasRemoving;
      // What retention removed goes by whole segments; any other entry that leads nowhere costs
      // itself only.
      const bool removed = entry != kFillEntry && entry.physical_offset.value >= 0 &&
                           entry.physical_offset < log_.min_offset();
      if (removed) skip_below = NextSegment(entry.physical_offset);
      continue;
    }
    result->status = PullStatus::kFound;
    if (record.size() > into_.size() - result->size_bytes) {
      if (result->count == 0) result->needed_bytes = static_cast<uint32_t>(record.size());
      break;
    }
    std::memcpy(into_.data() + result->size_bytes, record.data(), record.size());
    result->size_bytes += static_cast<uint32_t>(record.size());
    ++result->count;
    skip_below = kNoSkip;
  }
  result->next_begin = request_.from + i;
  result->log_behind_bytes = log_.appended().value - last_seen;
}

bool PullScan::Passes(int64_t tag_code) const {
  // Without the extension file the code is unknown: the client filters by the tag's text anyway.
  if (request_.tag_codes.empty() || tag_code <= kMaxExtAddress) return true;
  return std::ranges::find(request_.tag_codes, static_cast<int32_t>(tag_code)) !=
         request_.tag_codes.end();
}

bool PullScan::Full(const ConsumeQueueEntry& entry, const PullResult& result) const {
  if (result.count == 0) return false;
  if (result.count >= request_.max_count) return true;
  return uint64_t{result.size_bytes} + static_cast<uint32_t>(entry.size_bytes) > request_.max_bytes;
}

// The record's bytes when the log still has them, and has there what the entry says.
bool PullScan::Locate(const ConsumeQueueEntry& entry, std::span<const uint8_t>* record) {
  const PhysicalOffset at = entry.physical_offset;
  if (entry.size_bytes <= 0 || at.value < 0) return false;
  const auto size_bytes = static_cast<uint32_t>(entry.size_bytes);
  const auto held_bytes = static_cast<int64_t>(segment_.bytes.size());
  if (!segment_.file || at < segment_at_ || at - segment_at_ > held_bytes - entry.size_bytes) {
    if (!log_.ReadSegment(at, &segment_).ok()) return false;
    segment_at_ = at;
  }
  const auto rest = segment_.bytes.subspan(static_cast<size_t>(at - segment_at_));
  uint32_t found_bytes = 0;
  if (!IsRecordAt(rest, at, &found_bytes) || found_bytes != size_bytes) return false;
  *record = rest.first(size_bytes);
  return at >= unchecked_below_ || ParseRecord(*record, true).kind == RecordKind::kMessage;
}

int64_t PullScan::NextSegment(PhysicalOffset offset) const {
  const int64_t segment_bytes = log_.segments().file_size();
  return offset.value - offset.value % segment_bytes + segment_bytes;
}

}  // namespace apogee
