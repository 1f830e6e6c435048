#include "store/log_scan.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace apogee {
namespace {

constexpr uint32_t kSectorBytes = 512;
constexpr uint32_t kTellingBytes = 3;

uint32_t RoundUpToSector(uint32_t position) {
  return (position + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

bool AllZero(const uint8_t* bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0);
}

// The first undamaged record that starts in [from, to), or -1.
int64_t FindRecordIn(const MappedFile& segment, uint32_t from, uint32_t to) {
  constexpr uint32_t kMagicAt = 4;
  constexpr uint8_t kFirstMagicByte = kMessageMagicV1 >> 24;
  const uint8_t* const begin = segment.data();
  const uint8_t* const end =
      begin + std::min<uint64_t>(uint64_t{to} + kMagicAt + 4, segment.size());
  const uint8_t* at = begin + std::min<uint64_t>(uint64_t{from} + kMagicAt, segment.size());
  while (end - at >= 4) {
    at = static_cast<const uint8_t*>(
        std::memchr(at, kFirstMagicByte, static_cast<size_t>(end - at - 3)));
    if (at == nullptr) return -1;
    const uint32_t magic = LoadBe32(at);
    const auto start = static_cast<uint32_t>(at - begin) - kMagicAt;
    const bool candidate = magic == kMessageMagicV1 || magic == kMessageMagicV2;
    if (candidate && RecordAt(segment, start, true).kind == RecordKind::kMessage) {
      return segment.start_offset() + start;
    }
    ++at;
  }
  return -1;
}

}  // namespace

bool LacksSector(const RecordView& record, uint32_t position) {
  const uint8_t* const body_end = record.fields.body.data() + record.fields.body.size();
  const auto tail = position + static_cast<uint32_t>(body_end - record.bytes.data());
  // No properties: their length, which comes last, is zeros.
  const uint32_t blank = record.fields.properties.empty() ? 2 : 0;
  const uint32_t end = position + record.size_bytes - blank;
  for (uint32_t at = RoundUpToSector(tail); at < end; at += kSectorBytes) {
    if (AllZero(record.bytes.data() + (at - position), std::min(kSectorBytes, end - at)))
      return true;
  }
  return false;
}

RecordView RecordAt(const MappedFile& segment, uint32_t position, bool check_crc) {
  const std::span<const uint8_t> rest{segment.data() + position, segment.size() - position};
  RecordView record = ParseRecord(rest, false);
  if (record.kind != RecordKind::kMessage) return record;
  const int64_t own = segment.start_offset() + position;
  if (record.fields.physical_offset.value == own) {
    if (!check_crc) return record;
    if (!LacksSector(record, position)) return ParseRecord(rest, true);
    record.kind = RecordKind::kDamaged;
    record.reason = "a part of the record was never written";
    return record;
  }
  record.kind = RecordKind::kDamaged;
  record.reason = "the record belongs to another position";
  return record;
}

Status ScanLog(const MappedFileQueue& segments, const ScanRange& range, const RecordVisitor& visit,
               ScanStop* stop) {
  *stop = {};
  stop->at = range.from;
  for (const auto& segment : segments.files()) {
    const int64_t start = segment->start_offset();
    if (start + segment->size() <= range.from.value) continue;
    auto position = static_cast<uint32_t>(std::max(range.from.value, start) - start);
    while (position + kBlankBytes <= segment->size()) {
      stop->at = {start + position};
      stop->kind = RecordKind::kMessage;
      if (stop->at >= range.limit) return Status::Ok();
      const RecordView record = RecordAt(*segment, position, range.check_crc);
      stop->kind = record.kind;
      stop->reason = record.reason;
      if (record.kind == RecordKind::kBlank) break;
      if (record.kind != RecordKind::kMessage) return Status::Ok();
      stop->last_store_time_ms = record.fields.store_time_ms;
      if (visit) APOGEE_RETURN_IF_ERROR(visit(record));
      position += record.size_bytes;
      stop->at = {start + position};
      if (range.progress != nullptr) range.progress->Reached(stop->at - range.from);
    }
  }
  return Status::Ok();
}

int64_t FindRecordBehind(const MappedFile& segment, uint32_t position, uint32_t limit) {
  uint32_t from = position + 1;
  uint32_t to = 0;
  // What was never written would only read as zeros.
  while (from < limit && segment.NextWritten(from, &from, &to) && from < limit) {
    const int64_t found = FindRecordIn(segment, from, std::min(to, limit));
    if (found >= 0) return found;
    from = to;
  }
  return -1;
}

std::shared_ptr<MappedFile> FindRecordBehind(const MappedFileQueue& segments, PhysicalOffset at,
                                             int64_t searched_bytes, PhysicalOffset* found) {
  for (const auto& segment : segments.files()) {
    const int64_t start = segment->start_offset();
    if (start + segment->size() <= at.value) continue;
    int64_t behind = -1;
    if (start > at.value && RecordAt(*segment, 0, true).kind == RecordKind::kMessage) {
      behind = start;
    } else {
      const int64_t position = std::max<int64_t>(at.value - start, 0);
      const int64_t limit = std::min<int64_t>(segment->size(), position + searched_bytes);
      behind =
          FindRecordBehind(*segment, static_cast<uint32_t>(position), static_cast<uint32_t>(limit));
    }
    if (behind < 0) continue;
    *found = {behind};
    return segment;
  }
  return nullptr;
}

bool HasZeroSector(const MappedFile& segment, uint32_t from, uint32_t to) {
  const uint32_t first = RoundUpToSector(from);
  // The sector that the record before ends in may have stayed as it was then. Less than this much
  // of a record may well be zeros.
  const uint32_t begun = std::min(first, to) - from;
  if (begun >= kTellingBytes && AllZero(segment.data() + from, begun)) return true;
  for (uint32_t sector = first; sector + kSectorBytes <= to; sector += kSectorBytes) {
    if (AllZero(segment.data() + sector, kSectorBytes)) return true;
  }
  return false;
}

}  // namespace apogee
