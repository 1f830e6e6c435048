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
  const PhysicalOffset at = BeginAt(from, to);
  if (at >= to) return;
  Quarantine found;
  const PhysicalOffset end = LookAt(at, to, &found);
  Keep(found);
  const std::lock_guard lock(mutex_);
  looked_[next_looked_++ % kRemembered] = {std::min(from, at), end};
}

// Where the first record at or behind `from` begins, or one somewhat before it; `to` when none is
// found before that.
PhysicalOffset CopyCheck::BeginAt(PhysicalOffset from, PhysicalOffset to) const {
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
  if (from >= to || !segment || segment->start_offset() == from.value) return from;
  const int64_t start = segment->start_offset();
  const auto position = static_cast<uint32_t>(from.value - start);
  const RecordKind kind = RecordAt(*segment, position, false).kind;
  if (kind == RecordKind::kMessage || kind == RecordKind::kBlank) return from;
  const int64_t limit = std::min<int64_t>(segment->size(), to.value - start);
  const int64_t found = FindRecordBehind(*segment, position, static_cast<uint32_t>(limit));
  return {found < 0 ? start + limit : found};
}

// Returns where the last record that begins before `to` ends, or the last damage.
PhysicalOffset CopyCheck::LookAt(PhysicalOffset at, PhysicalOffset to, Quarantine* found) const {
  const auto visit = [&](const RecordView& record) {
    const PhysicalOffset from = record.fields.physical_offset;
    const PhysicalOffset end = from + record.size_bytes;
    if (!checksums_.Matches(record)) {
      found->Add({from, end, "the record is not what its checksum was made of"});
    }
    return Status::Ok();
  };
  while (at < to) {
    ScanStop stop;
    // `visit` never fails, and what cannot be read is a stop.
    [[maybe_unused]] const Status scanned =
        ScanLog(log_.segments(), {at, to, true, nullptr}, visit, &stop);
    at = std::max(at, stop.at);
    if (at >= to || stop.kind == RecordKind::kBlank) return at;
    const auto segment = log_.segments().Find(at.value);
    if (!segment) return to;  // removed meanwhile
    const int64_t segment_end = segment->start_offset() + segment->size();
    PhysicalOffset next{segment_end};
    if (segment_end - at.value >= kBlankBytes) {  // else too little for a record or a blank
      if (!FindRecordBehind(log_.segments(), at, to - at, &next) || next > to) next = to;
      found->Add({at, next, stop.kind == RecordKind::kEnd ? "nothing was written" : stop.reason});
    }
    at = next;
  }
  return at;
}

void CopyCheck::Keep(const Quarantine& found) {
  std::vector<DamagedRange> news;
  {
    const std::lock_guard lock(mutex_);
    for (const DamagedRange& range : found.ranges()) {
      const PhysicalOffset from = known_.Behind(range.from);
      if (from >= range.to) continue;
      news.push_back({from, range.to, range.reason});
      known_.Add(news.back());
      if (found_.size() < kMostTold) found_.push_back(news.back());
    }
  }
  if (news.empty()) return;
  const std::lock_guard lock(file_mutex_);
  // Told all the same.
  [[maybe_unused]] const Status kept =
      WriteQuarantine(io_, root_, log_.min_offset(), clock_.NowMs(), news);
}

}  // namespace apogee
