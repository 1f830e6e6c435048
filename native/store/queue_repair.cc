#include "store/queue_repair.h"

#include <algorithm>
#include <utility>

namespace apogee {
namespace {

// A gap wider than this is a damaged queue offset (no CRC covers it), not messages that were lost.
constexpr int64_t kMaxGap = 1 << 20;
constexpr int64_t kMaxQueueOffset = int64_t{1} << 56;
constexpr size_t kMaxNotes = 100;

}  // namespace

Status QueueRepair::Prepare(PhysicalOffset log_end, PhysicalOffset durable_below,
                            PhysicalOffset units_durable_below,
                            const std::vector<ConsumeQueue*>& damaged) {
  const PhysicalOffset log_min = log_.min_offset();
  units_durable_below_ = units_durable_below;
  for (ConsumeQueue* queue : queues_.All()) {
    QueueOffset keep = queue->max();
    bool wrong = false;
    ConsumeQueueEntry entry;
    while (keep.value > 0 && queue->Get({keep.value - 1}, &entry)) {
      const bool behind_end = entry != kFillEntry && entry.end() > log_end;
      const bool checked = !behind_end && entry != kFillEntry && entry.physical_offset >= log_min &&
                           entry.end() > durable_below && !quarantine_.Holds(entry.physical_offset);
      const bool differs = checked && !MatchesLog(*queue, {keep.value - 1}, entry);
      if (!behind_end && !differs) break;
      wrong = wrong || differs;
      --keep.value;
    }
    if (wrong) {
      APOGEE_RETURN_IF_ERROR(CutForScan(queue, keep));
      Incomplete(queue);
    } else if (keep < queue->max()) {
      APOGEE_RETURN_IF_ERROR(queue->Cut(keep));
    }
  }
  for (ConsumeQueue* queue : damaged) Incomplete(queue);
  for (ConsumeQueue* queue : queues_.All()) FindLostUnits(queue);
  return Status::Ok();
}

bool QueueRepair::MatchesLog(const ConsumeQueue& queue, QueueOffset offset,
                             const ConsumeQueueEntry& entry) const {
  RecordRef found;
  if (!log_.Read(entry.physical_offset, static_cast<uint32_t>(entry.size_bytes), &found).ok())
    return false;
  const RecordView record = ParseRecord(found.bytes, false);
  if (record.kind != RecordKind::kMessage) return false;
  const std::string_view topic = topics_.Name(queue.id().topic);
  bool matches = false;
  const auto compare = [&](const DispatchItem& place) {
    matches = matches || (place.queue_offset == offset && place.queue_id == queue.id().queue_id &&
                          place.topic == topic);
    return Status::Ok();
  };
  return places_.Visit(MakeDispatchItem(record, {}), compare).ok() && matches;
}

Status QueueRepair::CutForScan(ConsumeQueue* queue, QueueOffset offset) {
  if (before_loss_) APOGEE_RETURN_IF_ERROR(before_loss_());
  return queue->Cut(offset);
}

// The next scan must start no later than behind the queue's last good entry.
void QueueRepair::Incomplete(ConsumeQueue* queue) {
  State& state = states_[queue];
  state.incomplete = true;
  state.rescan_from = log_.min_offset();
  ConsumeQueueEntry last;
  const bool known =
      queue->max().value > 0 && queue->Get({queue->max().value - 1}, &last) && last != kFillEntry;
  if (known) state.rescan_from = std::max(last.end(), state.rescan_from);
}

void QueueRepair::BeginScan(PhysicalOffset from, bool last_scan) {
  scan_from_ = from;
  last_scan_ = last_scan;
  for (auto& [queue, state] : states_) {
    state.confirmed = 0;
    state.rewrite_next = -1;
    // A scan that reaches back far enough repairs these as it goes.
    if (state.incomplete && from <= state.rescan_from) state.incomplete = false;
  }
}

Status QueueRepair::Place(const DispatchItem& item) {
  TopicHandle topic;
  const Status known = topics_.Intern(item.topic, &topic);
  if (known.code() == StatusCode::kInvalidArgument || item.queue_id < 0 ||
      item.queue_offset.value < 0 || item.queue_offset.value > kMaxQueueOffset) {
    Note("the record at " + std::to_string(item.entry.physical_offset.value) +
         " names no possible topic or queue; no queue has it");
    return Status::Ok();
  }
  APOGEE_RETURN_IF_ERROR(known);
  ConsumeQueue* queue = nullptr;
  APOGEE_RETURN_IF_ERROR(queues_.FindOrCreate({topic, item.queue_id}, &queue));
  State& state = states_[queue];
  return state.incomplete ? Status::Ok() : PlaceInQueue(item, queue, &state);
}

Status QueueRepair::PlaceInQueue(const DispatchItem& item, ConsumeQueue* queue, State* state) {
  if (item.queue_offset > queue->max()) return PlaceBehindGap(item, queue, state);
  bool append = item.queue_offset == queue->max();
  if (!append) APOGEE_RETURN_IF_ERROR(CompareEntry(item, queue, state, &append));
  return append ? Append(item, queue, state) : Status::Ok();
}

Status QueueRepair::Append(const DispatchItem& item, ConsumeQueue* queue, State* state) {
  const bool rewriting = state->rewrite_next >= 0;
  if (rewriting)
    APOGEE_RETURN_IF_ERROR(queue->DropAddresses(state->rewrite_next, queue->max().value));
  APOGEE_RETURN_IF_ERROR(queue->Append(item.entry, units_.Of(item)));
  state->confirmed = queue->max().value;
  if (rewriting) state->rewrite_next = state->confirmed;
  ++added_;
  return Status::Ok();
}

// The queue has an entry at the item's offset. `append`: it was wrong and is gone, the item's comes
// instead.
Status QueueRepair::CompareEntry(const DispatchItem& item, ConsumeQueue* queue, State* state,
                                 bool* append) {
  *append = false;
  ConsumeQueueEntry entry;
  if (!queue->Get(item.queue_offset, &entry))
    return Status::Ok();  // in a file that retention removed
  const int64_t offset = item.queue_offset.value;
  // Tag codes may differ for good reasons: other delay levels, an extension file.
  if (entry.physical_offset == item.entry.physical_offset &&
      entry.size_bytes == item.entry.size_bytes) {
    state->confirmed = std::max(state->confirmed, offset + 1);
    return CheckUnit(item, entry, queue, state);
  }
  const bool older =
      entry.live() && entry != kFillEntry && entry.physical_offset < item.entry.physical_offset;
  // An older entry that was not met in this scan counts when the log has its message, or had it.
  const bool kept =
      entry.physical_offset < scan_from_ &&
      (entry.physical_offset < log_.min_offset() || MatchesLog(*queue, item.queue_offset, entry));
  if (older && (offset < state->confirmed || kept)) {
    Note("the record at " + std::to_string(item.entry.physical_offset.value) +
         " repeats queue offset " + std::to_string(offset) + " of " + queue->directory() +
         "; the first one counts");
    return Status::Ok();
  }
  APOGEE_RETURN_IF_ERROR(CutForScan(queue, item.queue_offset));
  if (queue->max() < item.queue_offset) APOGEE_RETURN_IF_ERROR(queue->FillTo(item.queue_offset));
  *append = true;
  return Status::Ok();
}

Status QueueRepair::PlaceBehindGap(const DispatchItem& item, ConsumeQueue* queue, State* state) {
  const QueueOffset max = queue->max();
  ConsumeQueueEntry last;
  const bool has_last = max.value > 0 && queue->Get({max.value - 1}, &last);
  const PhysicalOffset log_min = log_.min_offset();
  // A queue that has gone on behind this record has had it: the offset it claims is damaged.
  if (has_last && last != kFillEntry && last.physical_offset >= item.entry.physical_offset) {
    Note("the record at " + std::to_string(item.entry.physical_offset.value) +
         " claims queue offset " + std::to_string(item.queue_offset.value) + " of " +
         queue->directory() + ", which ends at " + std::to_string(max.value));
    return Status::Ok();
  }
  if (!last_scan_ && state->confirmed == 0 && scan_from_ > log_min) {
    Incomplete(queue);
    if (state->rescan_from < scan_from_) return Status::Ok();
    state->incomplete = false;
  }
  // The log does not have what belongs into the gap.
  const bool all_expired = has_last && last.end() <= log_min;
  if (has_last && all_expired) APOGEE_RETURN_IF_ERROR(queue->Cut({0}));
  if (has_last && !all_expired) {
    if (item.queue_offset - max > kMaxGap) {
      Note("the record at " + std::to_string(item.entry.physical_offset.value) +
           " claims queue offset " + std::to_string(item.queue_offset.value) + " of " +
           queue->directory() + ", which ends at " + std::to_string(max.value) +
           "; no queue has it");
      return Status::Ok();
    }
    Note(queue->directory() + ": the log lacks the messages of queue offsets " +
         std::to_string(max.value) + " to " + std::to_string(item.queue_offset.value - 1));
  }
  APOGEE_RETURN_IF_ERROR(queue->FillTo(item.queue_offset));
  return Append(item, queue, state);
}

// When the last entry's file is missing, so may others be; a scan from the first record concerned
// finds out.
void QueueRepair::FindLostUnits(ConsumeQueue* queue) {
  const auto is_lost = [&](const ConsumeQueueEntry& entry) {
    return IsExtensionAddress(entry.tag_code) && !queue->ExtensionCovers(entry.tag_code);
  };
  ConsumeQueueEntry entry;
  const QueueOffset max = queue->max();
  if (max.value == 0 || !queue->Get({max.value - 1}, &entry) || !is_lost(entry)) return;
  for (QueueOffset at = queue->min(); at < max; ++at.value) {
    if (!queue->Get(at, &entry) || !is_lost(entry)) continue;
    const bool read =
        entry.physical_offset >= log_.min_offset() && !quarantine_.Holds(entry.physical_offset);
    if (!read || !MatchesLog(*queue, at, entry)) continue;
    State& state = states_[queue];
    state.rescan_from = state.incomplete ? std::min(state.rescan_from, entry.physical_offset)
                                         : entry.physical_offset;
    state.incomplete = true;
    return;
  }
}

// Of what was durable only the address is in doubt; of the rest a part may be on the device.
// Nothing but the map itself tells whether all of a bit map is.
bool QueueRepair::UnitAgrees(const DispatchItem& item, const ConsumeQueueEntry& entry,
                             const ConsumeQueue& queue, const ExtensionUnit* expected) const {
  std::shared_ptr<QueueFile> file;
  ExtensionUnit unit;
  if (!queue.ReadExtension(entry.tag_code, &file, &unit)) return false;
  if (unit.store_time_ms != item.index.store_time_ms) return false;
  if (unit.tag_code != item.entry.tag_code && item.topic != kScheduleTopic) return false;
  if (unit.bit_map.empty() || entry.end() <= units_durable_below_) return true;
  return expected != nullptr && std::ranges::equal(unit.bit_map, expected->bit_map);
}

Status QueueRepair::CheckUnit(const DispatchItem& item, const ConsumeQueueEntry& entry,
                              ConsumeQueue* queue, State* state) {
  const int64_t offset = item.queue_offset.value;
  if (state->rewrite_next < 0) {
    if (!IsExtensionAddress(entry.tag_code)) return Status::Ok();
    if (UnitAgrees(item, entry, *queue, units_.Of(item))) return Status::Ok();
    // Should this not come to its end, the next opening must look at them again.
    if (entry.end() <= units_durable_below_ && before_loss_ && !told_loss_) {
      APOGEE_RETURN_IF_ERROR(before_loss_());
      told_loss_ = true;
    }
    APOGEE_RETURN_IF_ERROR(queue->CutExtension(item.queue_offset));
    state->rewrite_next = offset;
  }
  if (offset < state->rewrite_next) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(queue->DropAddresses(state->rewrite_next, offset));
  state->rewrite_next = offset + 1;
  return queue->Rewrite(item.queue_offset, item.entry, units_.Of(item));
}

Status QueueRepair::EndScan() {
  for (ConsumeQueue* queue : queues_.All()) {
    const State& state = states_[queue];
    if (state.incomplete) continue;
    if (state.rewrite_next >= 0)
      APOGEE_RETURN_IF_ERROR(queue->DropAddresses(state.rewrite_next, queue->max().value));
    QueueOffset keep = queue->max();
    ConsumeQueueEntry entry;
    while (keep.value > state.confirmed && queue->Get({keep.value - 1}, &entry)) {
      if (Stays(entry)) break;
      --keep.value;
    }
    if (keep < queue->max()) APOGEE_RETURN_IF_ERROR(queue->Cut(keep));
  }
  return Status::Ok();
}

bool QueueRepair::NeedsEarlierScan(PhysicalOffset* from) const {
  bool needed = false;
  for (const auto& [queue, state] : states_) {
    if (!state.incomplete) continue;
    *from = needed ? std::min(*from, state.rescan_from) : state.rescan_from;
    needed = true;
  }
  return needed;
}

void QueueRepair::Note(std::string text) {
  if (notes_.size() < kMaxNotes) notes_.push_back(std::move(text));
}

}  // namespace apogee
