#include "store/recovery.h"

#include <algorithm>

#include "store/dispatch_item.h"
#include "store/log_scan.h"

namespace apogee {

Status Recovery::FindEnd() {
  const MappedFileQueue& segments = input_.log.segments();
  const CheckpointTimes& times = input_.checkpoint;
  // A logic time of 0 says that queues may lack anything, also when the stop was orderly.
  checked_from_ = input_.clean && times.logic_ms > 0
                      ? LastSegments(segments)
                      : SegmentByTime(segments, std::min(times.physical_ms, times.logic_ms));
  return FindLogEnd(segments, {checked_from_, input_.clean, input_.check_crc, times}, &end_);
}

Status Recovery::Repair() {
  APOGEE_RETURN_IF_ERROR(input_.log.TruncateAfter(end_.at, end_.last_store_time_ms, end_.tail));
  APOGEE_RETURN_IF_ERROR(repair_.Prepare(end_.at, input_.damaged_queues));
  PhysicalOffset from = checked_from_;
  if (input_.index != nullptr) {
    PhysicalOffset index_from;
    APOGEE_RETURN_IF_ERROR(RecoverIndex(&index_from));
    from = std::min(from, index_from);
  }
  const auto queues = input_.queues.All();
  const bool no_entries = std::ranges::all_of(
      queues, [](const ConsumeQueue* queue) { return queue->max().value == 0; });
  PhysicalOffset earlier;
  if (repair_.NeedsEarlierScan(&earlier)) from = std::min(from, earlier);
  if (no_entries) from = input_.log.min_offset();
  from = std::max(from, input_.log.min_offset());
  dispatched_from_ = from;

  repair_.BeginScan(from, false);
  APOGEE_RETURN_IF_ERROR(Dispatch(from, true));
  if (repair_.NeedsEarlierScan(&earlier)) {
    dispatched_from_ = earlier;
    repair_.BeginScan(earlier, true);
    APOGEE_RETURN_IF_ERROR(Dispatch(earlier, false));
  }
  for (ConsumeQueue* queue : input_.queues.All()) queue->CorrectMin(input_.log.min_offset());
  return SyncQueues();
}

// `resume_from`: a record's start, from which the index may lack something.
Status Recovery::RecoverIndex(PhysicalOffset* resume_from) {
  const ReadPath reads(input_.log, input_.queues);
  IndexService::RecoverInput recover;
  recover.clean = input_.clean;
  recover.durable_until_ms = input_.checkpoint.index_ms;
  recover.log_end = end_.at;
  recover.store_time_at = [&](PhysicalOffset offset) { return reads.StoreTimeOf(offset); };
  PhysicalOffset from;
  APOGEE_RETURN_IF_ERROR(input_.index->Recover(recover, &from));
  if (from >= end_.at) {
    *resume_from = end_.at;
    return Status::Ok();
  }
  // Segments start with a record.
  const auto segment = input_.log.segments().Find(from.value);
  const PhysicalOffset holding{segment ? segment->start_offset() : input_.log.min_offset().value};
  const PhysicalOffset by_time = SegmentByTime(input_.log.segments(), input_.checkpoint.index_ms);
  *resume_from = input_.clean ? holding : std::max(holding, by_time);
  return Status::Ok();
}

Status Recovery::Dispatch(PhysicalOffset from, bool with_index) {
  const auto visit = [&](const RecordView& record) {
    const DispatchItem item = MakeDispatchItem(record, input_.delay_levels_ms);
    if (item.queued) APOGEE_RETURN_IF_ERROR(repair_.Place(item));
    if (with_index && item.indexed && input_.index != nullptr) return input_.index->Put(item.index);
    return Status::Ok();
  };
  ScanStop stop;
  APOGEE_RETURN_IF_ERROR(ScanLog(input_.log.segments(), {from, end_.at, false}, visit, &stop));
  if (stop.at < end_.at && stop.kind != RecordKind::kBlank) {
    return Status::Error(StatusCode::kCorruption,
                         "the log is damaged at " + std::to_string(stop.at.value) + ": " +
                             (stop.kind == RecordKind::kEnd ? "nothing was written" : stop.reason));
  }
  if (stop.last_store_time_ms > 0) end_.last_store_time_ms = stop.last_store_time_ms;
  return repair_.EndScan();
}

// After a crash of the process alone the queues hold entries that were never synced.
Status Recovery::SyncQueues() {
  for (ConsumeQueue* queue : input_.queues.All()) {
    APOGEE_RETURN_IF_ERROR(input_.clean ? queue->Flush() : queue->SyncAll());
  }
  return input_.index == nullptr ? Status::Ok() : input_.index->Flush();
}

void Recovery::Report(RecoveryReport* report) const {
  report->clean = input_.clean;
  report->checked_from = checked_from_;
  report->dispatched_from = dispatched_from_;
  report->end = end_.at;
  report->added_entries = repair_.added();
  if (!end_.note.empty()) report->notes.push_back(end_.note);
  report->notes.insert(report->notes.end(), repair_.notes().begin(), repair_.notes().end());
}

}  // namespace apogee
