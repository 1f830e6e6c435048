#include "queue/consume_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace apogee {
namespace {

constexpr int64_t kEntryBytes = kConsumeQueueEntryBytes;
// A store may have thousands of queues, most of them short: blocks are taken as they are needed.
constexpr uint32_t kReserveStepBytes = 256 * 1024;
constexpr size_t kFilesScannedForEnd = 3;

uint32_t RoundedUp(uint32_t file_bytes) {
  const uint32_t entries = (file_bytes + kConsumeQueueEntryBytes - 1) / kConsumeQueueEntryBytes;
  return std::max(entries, 1u) * kConsumeQueueEntryBytes;
}

ConsumeQueueEntry EntryAt(const MappedFile& file, int64_t position) {
  return DecodeConsumeQueueEntry(file.data() + position);
}

// Bytes of live entries from the file's start.
int64_t LiveBytes(const MappedFile& file) {
  int64_t position = 0;
  while (position < file.size() && EntryAt(file, position).live()) position += kEntryBytes;
  return position;
}

// Whether anything but zeros stands behind `position`, where the live entries end.
bool AnythingBehind(const MappedFile& file, int64_t position) {
  auto from = static_cast<uint32_t>(position);
  uint32_t to = 0;
  while (from < file.size() && file.NextWritten(from, &from, &to)) {
    if (std::any_of(file.data() + from, file.data() + to, [](uint8_t b) { return b != 0; }))
      return true;
    from = to;
  }
  return false;
}

}  // namespace

ConsumeQueue::ConsumeQueue(StoreIo& io, QueueId id, std::string directory, uint32_t file_bytes)
    : io_(io),
      id_(id),
      files_(io, std::move(directory), RoundedUp(file_bytes), kReserveStepBytes) {}

Status ConsumeQueue::Load(bool* damaged, const BeforeLoss& before_loss) {
  *damaged = false;
  const Status loaded = files_.Load();
  if (loaded.code() == StatusCode::kCorruption) {
    *damaged = true;
    if (before_loss) APOGEE_RETURN_IF_ERROR(before_loss());
    return Discard();
  }
  APOGEE_RETURN_IF_ERROR(loaded);
  return FindEnd(damaged, before_loss);
}

Status ConsumeQueue::FindEnd(bool* damaged, const BeforeLoss& before_loss) {
  const auto files = files_.files();
  if (files.empty()) return Status::Ok();
  size_t i = files.size() > kFilesScannedForEnd ? files.size() - kFilesScannedForEnd : 0;
  int64_t end_bytes = files[i]->start_offset();
  for (; i < files.size(); ++i) {
    const int64_t live = LiveBytes(*files[i]);
    end_bytes = files[i]->start_offset() + live;
    if (live == files[i]->size()) continue;
    *damaged = AnythingBehind(*files[i], live);
    break;
  }
  for (++i; i < files.size(); ++i) *damaged = *damaged || EntryAt(*files[i], 0).live();
  if (*damaged && before_loss) APOGEE_RETURN_IF_ERROR(before_loss());
  APOGEE_RETURN_IF_ERROR(files_.TruncateAfter(end_bytes));
  min_.store(files_.min_offset() / kEntryBytes, std::memory_order_release);
  max_.store(end_bytes / kEntryBytes, std::memory_order_release);
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
  const QueueEntries entries = Read(offset);
  if (entries.count == 0) return false;
  *entry = entries[0];
  return true;
}

QueueEntries ConsumeQueue::Read(QueueOffset from) const {
  const int64_t max = max_.load(std::memory_order_acquire);
  if (from.value < 0 || from.value >= max) return {};
  const int64_t at = from.value * kEntryBytes;
  QueueEntries entries;
  entries.file = files_.Find(at);
  if (!entries.file) return {};
  const int64_t position = at - entries.file->start_offset();
  const int64_t end =
      std::min<int64_t>(entries.file->size(), position + (max - from.value) * kEntryBytes);
  entries.bytes = entries.file->data() + position;
  entries.count = (end - position) / kEntryBytes;
  return entries;
}

QueueOffset ConsumeQueue::NextFile(QueueOffset offset) const {
  const int64_t entries_per_file = files_.file_size() / kEntryBytes;
  return offset + (entries_per_file - offset.value % entries_per_file);
}

Status ConsumeQueue::PrepareFile(int64_t at_bytes) {
  if (current_ && !current_->full()) return Status::Ok();
  return files_.WritableFile(at_bytes, &current_);
}

Status ConsumeQueue::AppendBytes(const ConsumeQueueEntry& entry) {
  uint8_t bytes[kConsumeQueueEntryBytes];
  EncodeConsumeQueueEntry(entry, bytes);
  return current_->Append(bytes);
}

Status ConsumeQueue::Append(const ConsumeQueueEntry& entry) {
  const int64_t max = max_.load(std::memory_order_relaxed);
  APOGEE_RETURN_IF_ERROR(PrepareFile(max * kEntryBytes));
  APOGEE_RETURN_IF_ERROR(AppendBytes(entry));
  max_.store(max + 1, std::memory_order_release);
  return Status::Ok();
}

Status ConsumeQueue::FillTo(QueueOffset offset) {
  const bool empty = !files_.Last();
  APOGEE_RETURN_IF_ERROR(PrepareFile(offset.value * kEntryBytes));
  if (empty || max().value == min().value) min_.store(offset.value, std::memory_order_release);
  int64_t next = (current_->start_offset() + current_->wrote()) / kEntryBytes;
  for (; next < offset.value; ++next) {
    APOGEE_RETURN_IF_ERROR(PrepareFile(next * kEntryBytes));
    APOGEE_RETURN_IF_ERROR(AppendBytes(kFillEntry));
  }
  max_.store(offset.value, std::memory_order_release);
  return Status::Ok();
}

Status ConsumeQueue::Cut(QueueOffset offset) {
  const int64_t first = files_.min_offset() / kEntryBytes;
  current_.reset();
  if (offset.value <= first) {
    APOGEE_RETURN_IF_ERROR(files_.RemoveAll());
    min_.store(0, std::memory_order_release);
    max_.store(0, std::memory_order_release);
    return Status::Ok();
  }
  if (offset >= max()) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(files_.TruncateAfter(offset.value * kEntryBytes));
  max_.store(offset.value, std::memory_order_release);
  min_.store(std::min(min().value, offset.value), std::memory_order_release);
  return Status::Ok();
}

// The first entry of [low, high) whose record starts at `log_min` or behind it, `high` when there
// is none. A binary search in which fill entries, that say nothing, are passed over: they also
// stand in the middle, where the log has lost messages.
int64_t ConsumeQueue::FirstInLog(PhysicalOffset log_min, int64_t low, int64_t high) const {
  const int64_t end = high;
  ConsumeQueueEntry entry;
  const auto behind_fill = [&](int64_t offset, int64_t limit) {
    while (offset < limit && Get({offset}, &entry) && entry == kFillEntry) ++offset;
    return offset;
  };
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const int64_t told_by = behind_fill(middle, high);
    if (told_by < high && entry.physical_offset < log_min) {
      low = told_by + 1;
    } else {
      high = middle;
    }
  }
  return behind_fill(low, end);
}

void ConsumeQueue::CorrectMin(PhysicalOffset log_min) {
  const int64_t low = files_.min_offset() / kEntryBytes;
  min_.store(FirstInLog(log_min, low, std::max(low, max().value)), std::memory_order_release);
}

Status ConsumeQueue::TrimBelow(PhysicalOffset log_min, int* removed) {
  const int64_t low = std::max(min().value, files_.min_offset() / kEntryBytes);
  const int64_t high = max().value;
  ConsumeQueueEntry first;
  // Most queues have nothing to trim.
  const bool current = low >= high || (Get({low}, &first) && first != kFillEntry &&
                                       first.physical_offset >= log_min);
  return AdvanceMin({current ? std::min(low, high) : FirstInLog(log_min, low, high)}, removed);
}

Status ConsumeQueue::AdvanceMin(QueueOffset offset, int* removed) {
  *removed = 0;
  const int64_t wanted = std::min(offset, max()).value;
  int64_t now = min().value;
  // The writer sets min() as well, when a queue starts in the middle.
  while (now < wanted && !min_.compare_exchange_weak(now, wanted, std::memory_order_acq_rel)) {
  }
  for (;; ++*removed) {
    const Status status = files_.RemoveFirstBefore(min().value * kEntryBytes);
    if (status.code() == StatusCode::kNotFound) return Status::Ok();
    APOGEE_RETURN_IF_ERROR(status);
  }
}

Status ConsumeQueue::SyncAll() {
  const auto files = files_.files();
  size_t i = files.size() > kFilesScannedForEnd ? files.size() - kFilesScannedForEnd : 0;
  for (; i < files.size(); ++i) APOGEE_RETURN_IF_ERROR(files[i]->SyncAll());
  return Flush();
}

Status ConsumeQueue::Flush() {
  if (unflushed_bytes() <= 0) return Status::Ok();
  int64_t flushed = 0;
  return files_.Flush(&flushed);
}

}  // namespace apogee
