#include "store/pull_scan.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace apogee {
namespace {

constexpr int64_t kEntryBytes = kConsumeQueueEntryBytes;
// Java's bound on the queue bytes looked at by one pull whose filter matches nothing.
constexpr int64_t kLeastScannedBytes = 16000;
// The newest bytes of the log were written a moment ago.
constexpr int64_t kSurelyInMemoryBytes = 8 << 20;
constexpr size_t kResidencyStretchBytes = 256 << 10;
int64_t ScanLimit(int32_t max_count) {
  return (std::max(kLeastScannedBytes, int64_t{max_count} * kEntryBytes) + kEntryBytes - 1) /
         kEntryBytes;
}

// Whether the bit map was made with the filter, and the message did not pass it.
bool IsFilteredOut(const FilterBits& bits, const ConsumeQueueEntry& entry,
                   const ExtensionUnit& unit) {
  if (entry.physical_offset < bits.known_from || unit.store_time_ms <= bits.born_time_ms ||
      unit.bit_map.size() * 8 != bits.bit_map_bits) {
    return false;
  }
  return std::ranges::any_of(bits.positions, [&unit](uint32_t position) {
    return position / 8 < unit.bit_map.size() &&
           (unit.bit_map[position / 8] >> position % 8 & 1) == 0;
  });
}

}  // namespace

void PullScan::Run(const QueueEntries& entries, PullResult* result) {
  constexpr int64_t kNoSkip = std::numeric_limits<int64_t>::min();
  result->status = PullStatus::kNoMatchedMessage;
  const int64_t limit =
      std::min({entries.count, ScanLimit(request_.max_count), request_.max_entries});
  int64_t skip_below = kNoSkip;
  const int64_t appended = log_.appended().value;
  int64_t last_seen = 0;
  int64_t i = 0;
  for (; i < limit; ++i) {
    const ConsumeQueueEntry entry = entries[i];
    if (entry.physical_offset.value < skip_below) continue;
    last_seen = std::clamp<int64_t>(entry.physical_offset.value, 0, appended);
    if (Full(entry, *result)) break;
    if (!Passes(entry)) {
      if (result->count == 0) result->status = PullStatus::kNoMatchedMessage;
      continue;
    }
    std::span<const uint8_t> record;
    const Found found = Locate(entry, &record);
    if (found == Found::kOnDisk) {
      if (result->count == 0) result->status = PullStatus::kNotInMemory;
      break;
    }
    if (found == Found::kNowhere) {
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

bool PullScan::Passes(const ConsumeQueueEntry& entry) {
  if (request_.tag_codes.empty() && request_.filter_bits == nullptr) return true;
  int64_t tag_code = entry.tag_code;
  if (IsExtensionAddress(tag_code)) {
    ExtensionUnit unit;
    // Without its unit the code is unknown: the client filters by the tag's text anyway.
    if (!queue_.ReadExtension(tag_code, &extension_, &unit)) return true;
    if (request_.filter_bits != nullptr && IsFilteredOut(*request_.filter_bits, entry, unit))
      return false;
    tag_code = unit.tag_code;
  }
  return request_.tag_codes.empty() ||
         std::ranges::find(request_.tag_codes, static_cast<int32_t>(tag_code)) !=
             request_.tag_codes.end();
}

bool PullScan::Full(const ConsumeQueueEntry& entry, const PullResult& result) const {
  if (result.count == 0) return false;
  const bool on_disk = log_.appended() - entry.physical_offset > request_.memory_window_bytes;
  const int32_t max_count =
      on_disk ? std::min(request_.max_count, request_.max_count_on_disk) : request_.max_count;
  const uint32_t max_bytes =
      on_disk ? std::min(request_.max_bytes, request_.max_bytes_on_disk) : request_.max_bytes;
  if (result.count >= max_count) return true;
  return uint64_t{result.size_bytes} + static_cast<uint32_t>(entry.size_bytes) > max_bytes;
}

// The record's bytes when the log still has them, and has there what the entry says.
PullScan::Found PullScan::Locate(const ConsumeQueueEntry& entry, std::span<const uint8_t>* record) {
  const PhysicalOffset at = entry.physical_offset;
  if (entry.size_bytes <= 0 || at.value < 0) return Found::kNowhere;
  const auto size_bytes = static_cast<uint32_t>(entry.size_bytes);
  const auto held_bytes = static_cast<int64_t>(segment_.bytes.size());
  if (!segment_.file || at < segment_at_ || at - segment_at_ > held_bytes - entry.size_bytes) {
    pin_ = {};
    if (!log_.ReadNewest(at, &segment_, &pin_).ok()) return Found::kNowhere;
    segment_at_ = at;
  }
  if (!request_.may_wait_for_disk && !InMemory(at, size_bytes)) return Found::kOnDisk;
  const auto rest = segment_.bytes.subspan(static_cast<size_t>(at - segment_at_));
  uint32_t found_bytes = 0;
  if (!IsRecordAt(rest, at, &found_bytes) || found_bytes != size_bytes) return Found::kNowhere;
  *record = rest.first(size_bytes);
  return check_.Passes(at, *record, log_.appended()) ? Found::kRecord : Found::kNowhere;
}

// Asks the system about a stretch at a time: pulls mostly go on where the last record ended.
bool PullScan::InMemory(PhysicalOffset at, uint32_t size_bytes) {
  if (pin_ || log_.appended() - at <= kSurelyInMemoryBytes) return true;
  const int64_t end = at.value + size_bytes;
  if (at.value >= resident_from_ && end <= resident_to_) return true;
  const int64_t start = segment_.file->start_offset();
  const auto from = static_cast<size_t>(at.value - start);
  const auto to = from + std::max<size_t>(size_bytes, kResidencyStretchBytes);
  constexpr int64_t kPage = FileMapping::kResidencyPageBytes;
  const auto pages = static_cast<int64_t>(segment_.file->ResidentPages(from, to));
  resident_from_ = at.value;
  resident_to_ = start + (static_cast<int64_t>(from) / kPage + pages) * kPage;
  return end <= std::min(resident_to_, start + segment_.file->size());
}

int64_t PullScan::NextSegment(PhysicalOffset offset) const {
  const int64_t segment_bytes = log_.segments().file_size();
  return offset.value - offset.value % segment_bytes + segment_bytes;
}

}  // namespace apogee
