#include "store/recovery_point_file.h"

#include <algorithm>

#include "format/record_checksum.h"

namespace apogee {
namespace {

// Whether the last record below the point is where it was, and nothing but a segment's blank end
// lies between the two.
bool Fits(const RecoveryPoint& point, const CommitLog& log) {
  if (point.offset.value == 0) return point.last_record.value < 0;
  RecordRef found;
  if (point.last_record.value < 0 || !log.Read(point.last_record, 0, &found).ok()) return false;
  const RecordView record = ParseRecord(found.bytes, true);
  if (record.kind != RecordKind::kMessage || ChecksumOf(record) != point.last_checksum)
    return false;
  const PhysicalOffset end = point.last_record + record.size_bytes;
  if (end == point.offset) return true;
  const int64_t segment_end = found.file->start_offset() + found.file->size();
  if (point.offset.value != segment_end || end > point.offset) return false;
  RecordRef rest;
  if (segment_end - end.value < kBlankBytes) return true;
  return log.ReadSegment(end, &rest).ok() &&
         ParseRecord(rest.bytes, false).kind == RecordKind::kBlank;
}

}  // namespace

Status RecoveryPointFile::Open(StoreIo& io, const std::string& root) {
  const auto read_slots = [&] {
    APOGEE_RETURN_IF_ERROR(io.Open(root + "/recovery-point", StoreIo::OpenMode::kCreate, &file_));
    uint64_t size_bytes = 0;
    APOGEE_RETURN_IF_ERROR(file_->Size(&size_bytes));
    if (size_bytes != kRecoveryPointFileBytes) {
      APOGEE_RETURN_IF_ERROR(file_->Truncate(kRecoveryPointFileBytes));
      APOGEE_RETURN_IF_ERROR(file_->Reserve(0, kRecoveryPointFileBytes));
      APOGEE_RETURN_IF_ERROR(file_->Sync());
      APOGEE_RETURN_IF_ERROR(io.SyncDirectory(root));
    }
    for (uint32_t slot = 0; slot < kRecoveryPointSlots; ++slot) {
      APOGEE_RETURN_IF_ERROR(Read(slot));
    }
    return Status::Ok();
  };
  failure_ = read_slots();
  return failure_;
}

Status RecoveryPointFile::Read(uint32_t slot) {
  std::array<uint8_t, kRecoveryPointBytes> bytes{};
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file_->Read(uint64_t{slot} * kRecoveryPointSlotBytes, bytes, &read_bytes));
  RecoveryPoint point;
  if (read_bytes != bytes.size() || !DecodeRecoveryPoint(bytes, &point)) return Status::Ok();
  slots_[slot] = point;
  sequence_ = std::max(sequence_, point.sequence);
  return Status::Ok();
}

std::optional<RecoveryPoint> RecoveryPointFile::Find(const CommitLog& log,
                                                     const CheckpointTimes& times) const {
  std::optional<RecoveryPoint> found;
  for (const auto& slot : slots_) {
    if (!slot || slot->times != times || !Fits(*slot, log)) continue;
    if (!found || slot->sequence > found->sequence) found = slot;
  }
  return found;
}

Status RecoveryPointFile::Write(RecoveryPoint point) {
  APOGEE_RETURN_IF_ERROR(failure_);
  point.sequence = ++sequence_;
  const auto slot = static_cast<uint32_t>(point.sequence % kRecoveryPointSlots);
  std::array<uint8_t, kRecoveryPointBytes> bytes{};
  EncodeRecoveryPoint(point, bytes.data());
  Status status = file_->Write(uint64_t{slot} * kRecoveryPointSlotBytes, bytes);
  if (status.ok()) status = file_->Sync();
  if (status.ok()) {
    slots_[slot] = point;
  } else {
    failure_ = status;
  }
  return status;
}

}  // namespace apogee
