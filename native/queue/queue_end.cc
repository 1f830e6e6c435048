#include "queue/queue_end.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace apogee {
namespace {

constexpr int64_t kEntryBytes = kConsumeQueueEntryBytes;
// Files in front of the last whose ends are looked at, as far as Java looks.
constexpr int64_t kFilesBefore = 2;
constexpr size_t kChunkBytes = 64 * 1024;
// A search that has come down to so many entries reads them at once; of a small file all.
constexpr int64_t kEntriesRead = kChunkBytes / kConsumeQueueEntryBytes;

Status ReadEntry(StoreFile& file, int64_t position, ConsumeQueueEntry* entry) {
  uint8_t bytes[kConsumeQueueEntryBytes] = {};
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file.Read(static_cast<uint64_t>(position), bytes, &read_bytes));
  *entry = DecodeConsumeQueueEntry(bytes);
  return Status::Ok();
}

Status ReadEntry(const QueueFiles& files, int64_t at, ConsumeQueueEntry* entry) {
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(files.Open(at, &file));
  return ReadEntry(*file, at % files.file_bytes(), entry);
}

// Whether anything but zeros stands in the file from `position` on.
Status AnythingBehind(StoreFile& file, int64_t position, int64_t file_bytes, bool* found) {
  *found = false;
  auto from = static_cast<uint64_t>(position);
  const auto limit = static_cast<uint64_t>(file_bytes);
  uint64_t to = 0;
  std::vector<uint8_t> chunk;
  while (from < limit && file.NextWritten(from, limit, &from, &to)) {
    while (from < to) {
      chunk.resize(std::min<uint64_t>(kChunkBytes, to - from));
      size_t read_bytes = 0;
      APOGEE_RETURN_IF_ERROR(file.Read(from, chunk, &read_bytes));
      *found = std::any_of(chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(read_bytes),
                           [](uint8_t byte) { return byte != 0; });
      if (*found) return Status::Ok();
      from += chunk.size();
    }
  }
  return Status::Ok();
}

// The bytes of live entries from the file's start, found by halving: exact as long as no dead one
// stands among them.
Status LiveBytes(StoreFile& file, int64_t file_bytes, int64_t* live_bytes) {
  int64_t low = 0;  // entries below are taken as live
  int64_t high = file_bytes / kEntryBytes;
  // Behind the first gap in what was written nothing can be live, unless a page got lost.
  uint64_t from = 0;
  uint64_t to = 0;
  if (!file.NextWritten(0, static_cast<uint64_t>(file_bytes), &from, &to) || from > 0) to = 0;
  high = std::min(high, (static_cast<int64_t>(to) + kEntryBytes - 1) / kEntryBytes);
  while (high - low > kEntriesRead) {
    const int64_t middle = low + (high - low) / 2;
    ConsumeQueueEntry entry;
    APOGEE_RETURN_IF_ERROR(ReadEntry(file, middle * kEntryBytes, &entry));
    (entry.live() ? low : high) = middle;
  }
  std::vector<uint8_t> bytes(static_cast<size_t>((high - low) * kEntryBytes));
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file.Read(static_cast<uint64_t>(low * kEntryBytes), bytes, &read_bytes));
  const uint8_t* at = bytes.data();
  while (low < high && DecodeConsumeQueueEntry(at).live()) {
    ++low;
    at += kEntryBytes;
  }
  *live_bytes = low * kEntryBytes;
  return Status::Ok();
}

// Whether a file in front of the last is what it should be: entries to its end. Of a large one the
// last entry is read, and that nothing in it was left unwritten.
Status IsFull(const QueueFiles& files, int64_t start, bool* full) {
  const int64_t file_bytes = files.file_bytes();
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(files.Open(start, &file));
  if (file_bytes <= static_cast<int64_t>(kChunkBytes)) {
    int64_t live_bytes = 0;
    APOGEE_RETURN_IF_ERROR(LiveBytes(*file, file_bytes, &live_bytes));
    *full = live_bytes == file_bytes;
    return Status::Ok();
  }
  ConsumeQueueEntry last;
  APOGEE_RETURN_IF_ERROR(ReadEntry(*file, file_bytes - kEntryBytes, &last));
  uint64_t from = 0;
  uint64_t to = 0;
  *full = last.live() && file->NextWritten(0, static_cast<uint64_t>(file_bytes), &from, &to) &&
          from == 0 && to == static_cast<uint64_t>(file_bytes);
  return Status::Ok();
}

// The last file that begins with an entry, the first when none does.
Status LastFileWithEntries(const QueueFiles& files, int64_t* start, ConsumeQueueEntry* first) {
  for (*start = files.end() - files.file_bytes();; *start -= files.file_bytes()) {
    APOGEE_RETURN_IF_ERROR(ReadEntry(files, *start, first));
    if (first->live() || *start == files.begin()) return Status::Ok();
  }
}

}  // namespace

Status FindQueueEnd(const QueueFiles& files, QueueEnd* end) {
  const int64_t file_bytes = files.file_bytes();
  int64_t start = 0;
  APOGEE_RETURN_IF_ERROR(LastFileWithEntries(files, &start, &end->first));
  const int64_t last_start = start;
  for (int64_t before = std::max(files.begin(), last_start - kFilesBefore * file_bytes);
       before < last_start; before += file_bytes) {
    bool full = false;
    APOGEE_RETURN_IF_ERROR(IsFull(files, before, &full));
    if (full) continue;
    end->damaged = true;
    start = before;
    break;
  }
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(files.Open(start, &file));
  int64_t live_bytes = 0;
  APOGEE_RETURN_IF_ERROR(LiveBytes(*file, file_bytes, &live_bytes));
  end->end_bytes = start + live_bytes;
  if (live_bytes < file_bytes && !end->damaged) {
    APOGEE_RETURN_IF_ERROR(AnythingBehind(*file, live_bytes, file_bytes, &end->damaged));
  }
  for (int64_t behind = start + file_bytes; behind < files.end() && !end->damaged;
       behind += file_bytes) {
    std::unique_ptr<StoreFile> blank;
    APOGEE_RETURN_IF_ERROR(files.Open(behind, &blank));
    APOGEE_RETURN_IF_ERROR(AnythingBehind(*blank, 0, file_bytes, &end->damaged));
  }
  end->trailing = end->damaged || start + file_bytes < files.end();
  if (end->end_bytes == files.begin()) return Status::Ok();
  if (live_bytes > 0) {
    APOGEE_RETURN_IF_ERROR(ReadEntry(*file, live_bytes - kEntryBytes, &end->last));
  } else {
    APOGEE_RETURN_IF_ERROR(ReadEntry(files, end->end_bytes - kEntryBytes, &end->last));
  }
  if (start == files.begin()) return ReadEntry(*file, 0, &end->first);
  return ReadEntry(files, files.begin(), &end->first);
}

}  // namespace apogee
