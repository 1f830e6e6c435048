#include "store/log_end.h"

#include <algorithm>
#include <limits>

#include "store/log_scan.h"

namespace apogee {
namespace {

constexpr size_t kSegmentsCheckedWhenClean = 3;
// More than the longest record of any usual limit.
constexpr int64_t kSearchedWhenHealthy = 64 << 20;

std::string Place(const MappedFile& segment, PhysicalOffset at) {
  return segment.path() + " position " + std::to_string(at.value - segment.start_offset());
}

// How far behind the log's end to look for records. A blank end behind every record that the
// checkpoint knows of is what a healthy log looks like; the rest of its segment, prepared but
// unused, would have to be read from the device.
bool LooksHealthy(const LogEndInput& input, const ScanStop& stop) {
  return stop.kind == RecordKind::kEnd && stop.last_store_time_ms >= input.checkpoint.physical_ms;
}

int64_t SearchedBytes(const LogEndInput& input, const ScanStop& stop) {
  return LooksHealthy(input, stop) ? kSearchedWhenHealthy : std::numeric_limits<uint32_t>::max();
}

// Whether what follows the damage is a leftover, or lies behind a hole of pages that were never
// written out and was never promised.
bool MayGo(const LogEndInput& input, const ScanStop& stop, const MappedFile& damaged,
           const MappedFile& behind_segment, PhysicalOffset behind) {
  const auto behind_position = static_cast<uint32_t>(behind.value - behind_segment.start_offset());
  const RecordView record = RecordAt(behind_segment, behind_position, false);
  if (record.fields.store_time_ms < stop.last_store_time_ms) return true;
  if (input.clean || input.promised) return false;
  if (record.fields.store_time_ms <= input.checkpoint.physical_ms) return false;
  // A magic of zero: its page never came, or came as it was while the record was being written.
  if (stop.kind == RecordKind::kEnd) return true;
  const bool same = &damaged == &behind_segment;
  return HasZeroSector(damaged, static_cast<uint32_t>(stop.at.value - damaged.start_offset()),
                       same ? behind_position : damaged.size());
}

}  // namespace

PhysicalOffset SegmentByTime(const MappedFileQueue& segments, int64_t durable_ms) {
  const auto files = segments.files();
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const RecordView first = RecordAt(**file, 0, false);
    if (first.kind != RecordKind::kMessage || first.fields.store_time_ms == 0) continue;
    if (first.fields.store_time_ms <= std::max<int64_t>(durable_ms, 0) - kCheckpointMarginMs)
      return {(*file)->start_offset()};
  }
  return {segments.min_offset()};
}

PhysicalOffset LastSegments(const MappedFileQueue& segments) {
  const auto files = segments.files();
  if (files.empty()) return {0};
  const size_t skipped =
      files.size() > kSegmentsCheckedWhenClean ? files.size() - kSegmentsCheckedWhenClean : 0;
  return {files[skipped]->start_offset()};
}

Status FindLogEnd(const MappedFileQueue& segments, const LogEndInput& input, LogEnd* end) {
  end->at = input.from;
  end->last_store_time_ms = input.store_time_before_ms;
  for (;;) {
    ScanStop stop;
    const ScanRange range{
        end->at, {std::numeric_limits<int64_t>::max()}, input.check_crc, input.progress};
    APOGEE_RETURN_IF_ERROR(ScanLog(segments, range, nullptr, &stop));
    if (stop.last_store_time_ms == 0) stop.last_store_time_ms = end->last_store_time_ms;
    end->at = stop.at;
    end->last_store_time_ms = stop.last_store_time_ms;
    const auto segment = segments.Find(stop.at.value);
    if (!segment || (stop.kind != RecordKind::kEnd && stop.kind != RecordKind::kDamaged))
      return Status::Ok();
    PhysicalOffset behind;
    const auto behind_segment =
        FindRecordBehind(segments, stop.at, SearchedBytes(input, stop), &behind);
    const std::string what = stop.kind == RecordKind::kEnd ? "nothing was written" : stop.reason;
    if (behind_segment && !MayGo(input, stop, *segment, *behind_segment, behind)) {
      end->damaged.push_back({stop.at, behind, what});
      end->at = behind;
      continue;
    }
    if (stop.kind == RecordKind::kDamaged || behind_segment) {
      end->note = Place(*segment, stop.at) + ": " + what + "; the log was cut here" +
                  (behind_segment ? ", with records behind that nobody was promised" : "");
    }
    if (input.clean && !behind_segment && LooksHealthy(input, stop))
      end->tail = CutTail::kKnownBlank;
    return Status::Ok();
  }
}

}  // namespace apogee
