#include "store/recovery.h"

#include <algorithm>
#include <limits>

#include "store/dispatch_item.h"
#include "store/log_scan.h"

namespace apogee {
namespace {

constexpr size_t kMaxNotes = 100;

int64_t SegmentsEnd(const MappedFileQueue& segments) {
  const auto last = segments.Last();
  return last ? last->start_offset() + last->size() : 0;
}

}  // namespace

Status Recovery::FindEnd() {
  const MappedFileQueue& segments = input_.log.segments();
  const CheckpointTimes& times = input_.checkpoint;
  LogEndInput find;
  if (input_.point) {
    position_ = {input_.point->offset, 0, input_.point->last_record, input_.point->last_checksum};
    const ReadPath reads(input_.log, input_.queues);
    position_.store_time_ms = std::max<int64_t>(reads.StoreTimeOf(position_.last_record), 0);
    checked_from_ = input_.point->offset;
  } else {
    // A logic time of 0 says that queues may lack anything, also when the stop was orderly.
    checked_from_ = input_.clean && times.logic_ms > 0
                        ? LastSegments(segments)
                        : SegmentByTime(segments, std::min(times.physical_ms, times.logic_ms));
  }
  find.from = checked_from_;
  find.store_time_before_ms = position_.store_time_ms;
  find.clean = input_.clean;
  find.check_crc = input_.check_crc;
  find.promised = input_.sync_flush;
  find.checkpoint = times;
  find.progress = input_.progress;
  if (input_.progress != nullptr) {
    input_.progress->Begin(RecoveryPhase::kCheck, SegmentsEnd(segments) - checked_from_.value);
  }
  APOGEE_RETURN_IF_ERROR(FindLogEnd(segments, find, &end_));
  if (input_.progress != nullptr) input_.progress->End();
  for (const DamagedRange& range : end_.damaged) AddDamage(range.from, range.to, range.reason);
  for (const ConsumeQueue* queue : input_.queues.All()) queue_entries_ += queue->max().value;
  return Status::Ok();
}

Status Recovery::Repair() {
  APOGEE_RETURN_IF_ERROR(input_.log.TruncateAfter(end_.at, end_.last_store_time_ms, end_.tail));
  const PhysicalOffset durable_below = input_.point ? input_.point->offset : PhysicalOffset{0};
  const PhysicalOffset units_durable_below = input_.clean ? end_.at : durable_below;
  APOGEE_RETURN_IF_ERROR(
      repair_.Prepare(end_.at, durable_below, units_durable_below, input_.damaged_queues));
  PhysicalOffset from = FirstToDispatch();
  if (input_.index != nullptr) {
    PhysicalOffset index_from;
    APOGEE_RETURN_IF_ERROR(RecoverIndex(&index_from));
    from = std::min(from, index_from);
  }
  PhysicalOffset earlier;
  if (repair_.NeedsEarlierScan(&earlier)) from = std::min(from, earlier);
  from = std::max(from, input_.log.min_offset());
  dispatched_from_ = from;
  const Status checksums = StartChecksums(from);
  if (!checksums.ok()) notes_.push_back("no checksums are kept: " + checksums.ToString());

  repair_.BeginScan(from, false);
  APOGEE_RETURN_IF_ERROR(Dispatch(from, true));
  if (repair_.NeedsEarlierScan(&earlier)) {
    dispatched_from_ = std::min(dispatched_from_, earlier);
    repair_.BeginScan(earlier, true);
    APOGEE_RETURN_IF_ERROR(Dispatch(earlier, false));
  }
  position_.offset = end_.at;
  for (ConsumeQueue* queue : input_.queues.All()) queue->CorrectMin(input_.log.min_offset());
  return SyncQueues();
}

// Queues together with fewer entries than were durable have lost some, wherever.
PhysicalOffset Recovery::FirstToDispatch() const {
  if (input_.point) {
    const bool lost = queue_entries_ < input_.point->queue_entries;
    return lost ? input_.log.min_offset() : checked_from_;
  }
  const auto queues = input_.queues.All();
  const bool no_entries = std::ranges::all_of(
      queues, [](const ConsumeQueue* queue) { return queue->max().value == 0; });
  return no_entries ? input_.log.min_offset() : checked_from_;
}

// Without a point nobody knows what earlier checksums were made of.
Status Recovery::StartChecksums(PhysicalOffset from) {
  PhysicalOffset kept_from{0};
  PhysicalOffset kept_below{0};
  if (input_.point) {
    kept_from = input_.point->checksums_from;
    kept_below = std::min(input_.point->checksums_to, checked_from_);
  }
  const Status kept = input_.checksums.KeepBelow(kept_from, kept_below);
  input_.checksums.StartAt(kept_below > kept_from ? checked_from_ : from);
  if (!kept.ok()) input_.checksums.Disable(kept);
  return kept;
}

// `resume_from`: a record's start, from which the index may lack something.
Status Recovery::RecoverIndex(PhysicalOffset* resume_from) {
  const ReadPath reads(input_.log, input_.queues);
  IndexService::RecoverInput recover;
  const bool had_index = !input_.point || input_.point->index_offset.value >= 0;
  recover.clean = input_.clean && had_index;
  recover.durable_until_ms = input_.checkpoint.index_ms;
  if (input_.point && had_index) {
    recover.durable_below = input_.point->index_offset;
    recover.least_end_offset = input_.point->index_end_offset;
  }
  recover.log_end = end_.at;
  recover.store_time_at = [&](PhysicalOffset offset) { return reads.StoreTimeOf(offset); };
  PhysicalOffset from;
  APOGEE_RETURN_IF_ERROR(input_.index->Recover(recover, &from));
  if (from >= end_.at || (input_.point && from == input_.point->index_offset)) {
    *resume_from = std::min(from, end_.at);
    return Status::Ok();
  }
  // Segments start with a record.
  const auto segment = input_.log.segments().Find(from.value);
  const PhysicalOffset holding{segment ? segment->start_offset() : input_.log.min_offset().value};
  const PhysicalOffset by_time = SegmentByTime(input_.log.segments(), input_.checkpoint.index_ms);
  *resume_from = input_.clean || input_.point ? holding : std::max(holding, by_time);
  return Status::Ok();
}

Status Recovery::Dispatch(PhysicalOffset from, bool first_scan) {
  const auto visit = [&](const RecordView& record) { return DispatchRecord(record, first_scan); };
  if (input_.progress != nullptr) {
    input_.progress->Begin(RecoveryPhase::kDispatch, end_.at - from);
  }
  while (from < end_.at) {
    ScanStop stop;
    APOGEE_RETURN_IF_ERROR(
        ScanLog(input_.log.segments(), {from, end_.at, false, input_.progress}, visit, &stop));
    if (stop.at >= end_.at || stop.kind == RecordKind::kBlank) break;
    from = PassOver(stop);
  }
  if (input_.progress != nullptr) input_.progress->End();
  return repair_.EndScan();
}

Status Recovery::DispatchRecord(const RecordView& record, bool first_scan) {
  const PhysicalOffset at = record.fields.physical_offset;
  if (quarantine_.Holds(at)) return Status::Ok();
  if (!input_.checksums.Matches(record)) {
    AddDamage(at, at + record.size_bytes, "the record is not what its checksum was made of");
    return Status::Ok();
  }
  if (first_scan) {
    const uint32_t checksum = ChecksumOf(record);
    input_.checksums.Put(at, checksum);
    input_.checksums.Commit();
    if (at >= position_.offset) {
      position_ = {at + record.size_bytes, record.fields.store_time_ms, at, checksum};
    }
  }
  const DispatchItem item = MakeDispatchItem(record, input_.delay_levels_ms);
  APOGEE_RETURN_IF_ERROR(input_.places.Visit(
      item, [this](const DispatchItem& place) { return repair_.Place(place); }));
  if (first_scan && item.indexed && input_.index != nullptr) return input_.index->Put(item.index);
  return Status::Ok();
}

// Where to go on behind damage.
PhysicalOffset Recovery::PassOver(const ScanStop& stop) {
  const PhysicalOffset known = quarantine_.Behind(stop.at);
  if (known > stop.at) return known;
  PhysicalOffset next;
  const auto behind =
      FindRecordBehind(input_.log.segments(), stop.at, std::numeric_limits<uint32_t>::max(), &next);
  if (!behind || next > end_.at) next = end_.at;
  AddDamage(stop.at, next, stop.kind == RecordKind::kEnd ? "nothing was written" : stop.reason);
  return next;
}

void Recovery::AddDamage(PhysicalOffset from, PhysicalOffset to, const std::string& reason) {
  quarantine_.Add({from, to, reason});
  if (notes_.size() >= kMaxNotes) return;
  const auto segment = input_.log.segments().Find(from.value);
  notes_.push_back((segment ? segment->path() : "the log") + " position " +
                   std::to_string(segment ? from.value - segment->start_offset() : from.value) +
                   ": " + reason + "; " + std::to_string(to - from) +
                   " bytes are kept and passed over, good records follow");
}

// After a crash of the process alone the queues hold entries that were never synced.
Status Recovery::SyncQueues() {
  for (ConsumeQueue* queue : input_.queues.All()) {
    const bool known = input_.clean || (input_.point && !repair_.Confirmed(queue));
    APOGEE_RETURN_IF_ERROR(known ? queue->Flush() : queue->SyncAll());
  }
  return input_.index == nullptr ? Status::Ok() : input_.index->Flush();
}

RecordCheck Recovery::Check() const {
  return {input_.check_crc ? checked_from_ : end_.at, &input_.checksums, quarantine_,
          input_.log.segments().file_size()};
}

void Recovery::Report(RecoveryReport* report) const {
  report->clean = input_.clean;
  report->checked_from = checked_from_;
  report->dispatched_from = dispatched_from_;
  report->end = end_.at;
  report->added_entries = repair_.added();
  report->damaged_ranges = std::ssize(quarantine_.ranges());
  report->notes.insert(report->notes.end(), notes_.begin(), notes_.end());
  if (!end_.note.empty()) report->notes.push_back(end_.note);
  report->notes.insert(report->notes.end(), repair_.notes().begin(), repair_.notes().end());
}

}  // namespace apogee
