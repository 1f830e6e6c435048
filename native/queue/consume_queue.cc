#include "queue/consume_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "log/segment_name.h"
#include "queue/queue_end.h"

namespace apogee {
namespace {

constexpr int64_t kEntryBytes = kConsumeQueueEntryBytes;
constexpr int64_t kFilesSynced = 3;  // as many as recovery looks at

uint32_t RoundedUp(uint32_t file_bytes) {
  const uint32_t entries = (file_bytes + kConsumeQueueEntryBytes - 1) / kConsumeQueueEntryBytes;
  return std::max(entries, 1u) * kConsumeQueueEntryBytes;
}

}  // namespace

ConsumeQueue::ConsumeQueue(const QueueSurroundings& surroundings, QueueId id, std::string directory)
    : io_(surroundings.io),
      dirty_(surroundings.dirty),
      surroundings_(surroundings),
      id_(id),
      files_(io_, surroundings.mappings, std::move(directory), RoundedUp(surroundings.file_bytes)) {
}

Status ConsumeQueue::Load(bool* damaged, const BeforeLoss& before_loss) {
  *damaged = false;
  const ExtensionPlace& extension = surroundings_.extension;
  if (!extension.root.empty() && extension.present && io_.Exists(ExtensionDirectory())) {
    APOGEE_RETURN_IF_ERROR(OpenExtension());
  }
  const Status loaded = files_.Load();
  if (loaded.code() == StatusCode::kCorruption) {
    *damaged = true;
    if (before_loss) APOGEE_RETURN_IF_ERROR(before_loss());
    return Discard();
  }
  APOGEE_RETURN_IF_ERROR(loaded);
  return files_.empty() ? Status::Ok() : FindEnd(damaged, before_loss);
}

Status ConsumeQueue::FindEnd(bool* damaged, const BeforeLoss& before_loss) {
  QueueEnd end;
  APOGEE_RETURN_IF_ERROR(FindQueueEnd(files_, &end));
  *damaged = end.damaged;
  if (end.damaged && before_loss) APOGEE_RETURN_IF_ERROR(before_loss());
  if (end.trailing) APOGEE_RETURN_IF_ERROR(files_.CutAfter(end.end_bytes));
  const int64_t min = files_.begin() / kEntryBytes;
  const int64_t max = end.end_bytes / kEntryBytes;
  if (max > min) {
    first_known_ = {min, end.first};
    last_known_ = {max - 1, end.last};
    known_valid_.store(true, std::memory_order_release);
  }
  SetFlushed(end.end_bytes);
  min_.store(min, std::memory_order_release);
  max_.store(max, std::memory_order_release);
  return Status::Ok();
}

// The files contradict each other or the configured size. Everything in them is in the log too.
Status ConsumeQueue::Discard() {
  APOGEE_RETURN_IF_ERROR(files_.RemoveAll());
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory(), &entries));
  for (const DirEntry& entry : entries) {
    if (entry.is_directory || entry.name.size() != SegmentName(0).size()) continue;
    APOGEE_RETURN_IF_ERROR(io_.Remove(directory() + '/' + entry.name));
  }
  return io_.SyncDirectory(directory());
}

bool ConsumeQueue::Get(QueueOffset offset, ConsumeQueueEntry* entry) const {
  if (offset >= min() && known_valid_.load(std::memory_order_acquire)) {
    for (const KnownEntry* known : {&first_known_, &last_known_}) {
      if (known->offset != offset.value) continue;
      *entry = known->entry;
      return true;
    }
  }
  const QueueEntries entries = Read(offset);
  if (entries.count == 0) return false;
  *entry = entries[0];
  return true;
}

QueueEntries ConsumeQueue::Read(QueueOffset from) const {
  if (from.value < 0 || from >= max()) return {};
  const int64_t at = from.value * kEntryBytes;
  QueueEntries entries;
  entries.file = files_.Find(at);
  if (!entries.file) return {};
  // Read behind the file: should the queue have been removed and begun again meanwhile, nothing is
  // looked at that is not written yet.
  const int64_t max = max_.load(std::memory_order_acquire);
  if (from.value >= max) return {};
  const int64_t position = at - entries.file->start_offset();
  const int64_t end =
      std::min<int64_t>(entries.file->size(), position + (max - from.value) * kEntryBytes);
  entries.bytes = entries.file->data() + position;
  entries.count = (end - position) / kEntryBytes;
  return entries;
}

QueueOffset ConsumeQueue::NextFile(QueueOffset offset) const {
  const int64_t entries_per_file = files_.file_bytes() / kEntryBytes;
  return offset + (entries_per_file - offset.value % entries_per_file);
}

Status ConsumeQueue::Write(int64_t offset, const ConsumeQueueEntry& entry) {
  const int64_t at = offset * kEntryBytes;
  std::shared_ptr<QueueFile> file;
  APOGEE_RETURN_IF_ERROR(files_.Writable(at, kConsumeQueueEntryBytes, &file));
  EncodeConsumeQueueEntry(entry, file->mutable_data() + (at - file->start_offset()));
  return Status::Ok();
}

Status ConsumeQueue::Append(const ConsumeQueueEntry& entry, const ExtensionUnit* unit) {
  const int64_t max = max_.load(std::memory_order_relaxed);
  APOGEE_RETURN_IF_ERROR(WriteExtended(max, entry, unit));
  max_.store(max + 1, std::memory_order_release);
  Dirty();
  return Status::Ok();
}

Status ConsumeQueue::FillTo(QueueOffset offset) {
  const bool empty = files_.empty();
  int64_t next = max().value;
  if (empty) {
    const int64_t at = offset.value * kEntryBytes;
    next = (at - at % files_.file_bytes()) / kEntryBytes;
    std::shared_ptr<QueueFile> first;
    APOGEE_RETURN_IF_ERROR(files_.Writable(next * kEntryBytes, kConsumeQueueEntryBytes, &first));
    SetFlushed(next * kEntryBytes);
  } else if (next == 0) {
    next = files_.begin() / kEntryBytes;  // an attempt before this one found the disk full
  }
  if (empty || max() == min()) min_.store(offset.value, std::memory_order_release);
  for (; next < offset.value; ++next) APOGEE_RETURN_IF_ERROR(Write(next, kFillEntry));
  max_.store(offset.value, std::memory_order_release);
  Dirty();
  return Status::Ok();
}

// Behind the store to max_: either who flushes sees the new end, or this sees that it was taken.
void ConsumeQueue::Dirty() {
  if (!listed_dirty_.exchange(true)) dirty_.Add(this);
}

void ConsumeQueue::ForgetKnown() { known_valid_.store(false, std::memory_order_release); }

Status ConsumeQueue::Cut(QueueOffset offset) {
  const int64_t first = files_.begin() / kEntryBytes;
  if (offset.value > first && offset >= max()) return Status::Ok();
  ForgetKnown();
  if (QueueExtension* extension = extension_.load()) extension->Unsettle();
  if (offset.value <= first) {
    APOGEE_RETURN_IF_ERROR(files_.RemoveAll());
    SetFlushed(0);
    min_.store(0, std::memory_order_release);
    max_.store(0, std::memory_order_release);
    return Status::Ok();
  }
  APOGEE_RETURN_IF_ERROR(files_.CutAfter(offset.value * kEntryBytes));
  SetFlushed(std::min(flushed_bytes_.load(), offset.value * kEntryBytes));
  max_.store(offset.value, std::memory_order_release);
  min_.store(std::min(min().value, offset.value), std::memory_order_release);
  return Status::Ok();
}

// The first entry of [low, high) whose record starts at `log_min` or behind it, `high` when there
// is none. A binary search in which fill entries, that say nothing, are passed over: they also
// stand in the middle, where the log has lost messages. `low` when an entry cannot be read now:
// that says nothing about those behind it.
int64_t ConsumeQueue::FirstInLog(PhysicalOffset log_min, int64_t low, int64_t high) const {
  const int64_t begin = low;
  const int64_t end = high;
  ConsumeQueueEntry entry;
  bool readable = true;
  const auto behind_fill = [&](int64_t offset, int64_t limit) {
    for (; offset < limit; ++offset) {
      readable = readable && Get({offset}, &entry);
      if (!readable || entry != kFillEntry) break;
    }
    return offset;
  };
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const int64_t told_by = behind_fill(middle, high);
    if (!readable) return begin;
    if (told_by < high && entry.physical_offset < log_min) {
      low = told_by + 1;
    } else {
      high = middle;
    }
  }
  const int64_t first = behind_fill(low, end);
  return readable ? first : begin;
}

void ConsumeQueue::CorrectMin(PhysicalOffset log_min) {
  const std::lock_guard lock(upkeep_mutex_);
  const int64_t low = files_.begin() / kEntryBytes;
  ConsumeQueueEntry first;
  // The usual case of a queue just loaded: its first entry is known, and still good.
  if (Get({low}, &first) && first != kFillEntry && first.physical_offset >= log_min) {
    return min_.store(low, std::memory_order_release);
  }
  min_.store(FirstInLog(log_min, low, std::max(low, max().value)), std::memory_order_release);
}

Status ConsumeQueue::TrimBelow(PhysicalOffset log_min, int* removed) {
  const std::lock_guard lock(upkeep_mutex_);
  const int64_t low = std::max(min().value, files_.begin() / kEntryBytes);
  const int64_t high = max().value;
  ConsumeQueueEntry first;
  // Most queues have nothing to trim.
  const bool current = low >= high || (Get({low}, &first) && first != kFillEntry &&
                                       first.physical_offset >= log_min);
  return MoveMinOn({current ? std::min(low, high) : FirstInLog(log_min, low, high)}, removed);
}

Status ConsumeQueue::AdvanceMin(QueueOffset offset, int* removed) {
  const std::lock_guard lock(upkeep_mutex_);
  return MoveMinOn(offset, removed);
}

Status ConsumeQueue::MoveMinOn(QueueOffset offset, int* removed) {
  *removed = 0;
  const int64_t wanted = std::min(offset, max()).value;
  int64_t now = min().value;
  // The writer sets min() as well, when a queue starts in the middle.
  while (now < wanted && !min_.compare_exchange_weak(now, wanted, std::memory_order_acq_rel)) {
  }
  for (;; ++*removed) {
    const Status status = files_.RemoveFirstBefore(min().value * kEntryBytes);
    if (status.code() == StatusCode::kNotFound) break;
    APOGEE_RETURN_IF_ERROR(status);
  }
  return *removed == 0 ? Status::Ok() : TrimExtension();
}

Status ConsumeQueue::Remove() {
  const std::lock_guard lock(upkeep_mutex_);
  ForgetKnown();
  max_.store(0, std::memory_order_release);
  min_.store(0, std::memory_order_release);
  SetFlushed(0);
  APOGEE_RETURN_IF_ERROR(RemoveExtension());
  if (!io_.Exists(directory())) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(Discard());
  APOGEE_RETURN_IF_ERROR(io_.Remove(directory()));
  return io_.SyncDirectory(directory().substr(0, directory().rfind('/')));
}

Status ConsumeQueue::Flush() {
  const std::lock_guard lock(upkeep_mutex_);
  APOGEE_RETURN_IF_ERROR(sync_failure_);
  const int64_t to = max().value * kEntryBytes;
  const int64_t from = flushed_bytes_.load(std::memory_order_acquire);
  if (from >= to) return Status::Ok();
  sync_failure_ = FlushExtension();
  if (sync_failure_.ok()) sync_failure_ = files_.Sync(from, to);
  if (sync_failure_.ok()) SetFlushed(to);
  return sync_failure_;
}

Status ConsumeQueue::FlushTaken(int64_t least_bytes) {
  const int64_t unflushed = unflushed_bytes();
  if (unflushed > 0 && unflushed < least_bytes) {
    dirty_.Add(this);
    return Status::Ok();
  }
  listed_dirty_.exchange(false);
  return Flush();
}

Status ConsumeQueue::SyncAll() {
  const std::lock_guard lock(upkeep_mutex_);
  if (QueueExtension* extension = extension_.load(); extension && !extension->empty()) {
    APOGEE_RETURN_IF_ERROR(SettleExtension());
    APOGEE_RETURN_IF_ERROR(extension->SyncAll());
  }
  const int64_t to = max().value * kEntryBytes;
  if (to <= files_.begin()) return Status::Ok();
  const int64_t file_bytes = files_.file_bytes();
  const int64_t last = (to - 1) - (to - 1) % file_bytes;
  APOGEE_RETURN_IF_ERROR(
      files_.Sync(std::max(files_.begin(), last - (kFilesSynced - 1) * file_bytes), to));
  SetFlushed(to);
  return Status::Ok();
}

}  // namespace apogee
