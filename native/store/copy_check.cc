#include "store/copy_check.h"

#include <algorithm>
#include <utility>

#include "store/log_scan.h"

namespace apogee {

std::vector<DamagedRange> CopyCheck::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, {});
}

void CopyCheck::Look(PhysicalOffset from, PhysicalOffset to) {
  PhysicalOffset at = BeginAt(from);
  const PhysicalOffset begin = std::min(from, at);
  at = LookAt(at, to);
  const std::lock_guard lock(mutex_);
  looked_[next_looked_++ % kRemembered] = {begin, at};
}

// Where the first record at or behind `from` begins, or one somewhat before it.
PhysicalOffset CopyCheck::BeginAt(PhysicalOffset from) const {
  {
    const std::lock_guard lock(mutex_);
    PhysicalOffset known{-1};
    for (const Looked& looked : looked_) {
      const bool near = looked.begin <= from && from - looked.end <= kNear;
      if (near && looked.end.value >= 0) known = std::max(known, looked.end);
    }
    if (known.value >= 0) return known;
  }
  const auto segment = log_.segments().Find(from.value);
  if (!segment || segment->start_offset() == from.value) return from;
  const auto position = static_cast<uint32_t>(from.value - segment->start_offset());
  const RecordKind kind = RecordAt(*segment, position, false).kind;
  if (kind == RecordKind::kMessage || kind == RecordKind::kBlank) return from;
  const int64_t found = FindRecordBehind(*segment, position, segment->size());
  return {found < 0 ? segment->start_offset() + segment->size()
                    : segment->start_offset() + found};
}

// Returns where the last record that begins before `to` ends.
PhysicalOffset CopyCheck::LookAt(PhysicalOffset at, PhysicalOffset to) {
  const auto visit = [this](const RecordView& record) {
    const PhysicalOffset from = record.fields.physical_offset;
    if (!checksums_.Matches(record)) {
      Damaged({from, from + record.size_bytes, "the record is not what its checksum was made of"});
    }
    return Status::Ok();
  };
  while (at < to) {
    ScanStop stop;
    // `visit` never fails, and what cannot be read is a stop.
    [[maybe_unused]] const Status scanned =
        ScanLog(log_.segments(), {at, to, true, nullptr}, visit, &stop);
    if (stop.at >= to || stop.kind == RecordKind::kBlank) return std::max(stop.at, at);
    PhysicalOffset next;
    if (!FindRecordBehind(log_.segments(), stop.at, to - stop.at, &next) || next > to) next = to;
    Damaged({stop.at, next, stop.kind == RecordKind::kEnd ? "nothing was written" : stop.reason});
    at = next;
  }
  return at;
}

void CopyCheck::Damaged(const DamagedRange& range) {
  const std::lock_guard lock(mutex_);
  if (known_.Holds(range.from)) return;
  known_.Add(range);
  if (found_.size() < kMostTold) found_.push_back(range);
  // Told all the same.
  [[maybe_unused]] const Status kept =
      WriteQuarantine(io_, root_, log_.min_offset(), clock_.NowMs(), {range});
}

}  // namespace apogee
