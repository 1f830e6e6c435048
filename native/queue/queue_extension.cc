#include "queue/queue_extension.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

#include "log/segment_name.h"

namespace apogee {
namespace {

constexpr int64_t kFilesSynced = 3;                      // as many as of the queue
constexpr int64_t kMaxOffset = kMaxExtensionOffset / 2;  // as far as names of files go

bool IsFile(const DirEntry& entry) {
  return !entry.is_directory && ParseSegmentName(entry.name) >= 0;
}

}  // namespace

Status QueueExtension::Open(StoreIo& io, QueueMappings& mappings, const std::string& directory,
                            uint32_t file_bytes, std::unique_ptr<QueueExtension>* extension) {
  std::vector<DirEntry> entries;
  const Status listed = io.List(directory, &entries);
  if (!listed.ok() && listed.code() != StatusCode::kNotFound) return listed;
  const auto first = std::ranges::find_if(
      entries, [](const DirEntry& entry) { return IsFile(entry) && entry.size_bytes > 0; });
  bool fits = true;
  if (first != entries.end()) {
    fits = first->size_bytes <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max());
    if (fits) file_bytes = static_cast<uint32_t>(first->size_bytes);
  }
  extension->reset(new QueueExtension(io, mappings, directory, file_bytes));
  if (fits) {
    const Status loaded = (*extension)->files_.Load();
    if (loaded.code() != StatusCode::kCorruption) return loaded;
    extension->reset(new QueueExtension(io, mappings, directory, file_bytes));
  }
  return RemoveDirectory(io, directory);
}

Status QueueExtension::RemoveDirectory(StoreIo& io, const std::string& directory) {
  std::vector<DirEntry> entries;
  const Status listed = io.List(directory, &entries);
  if (listed.code() == StatusCode::kNotFound) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(listed);
  // From the end, so that a crash in between leaves no gap.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (IsFile(*entry)) APOGEE_RETURN_IF_ERROR(io.Remove(directory + '/' + entry->name));
  }
  APOGEE_RETURN_IF_ERROR(io.SyncDirectory(directory));
  // Stays when something else stands in it.
  const Status removed = io.Remove(directory);
  if (removed.error_number() == ENOTEMPTY || removed.error_number() == EEXIST) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(removed);
  return io.SyncDirectory(directory.substr(0, directory.rfind('/')));
}

bool QueueExtension::Covers(int64_t address) const {
  const int64_t offset = ExtensionOffsetOf(address);
  return offset >= files_.begin() && offset < files_.end();
}

bool QueueExtension::Read(int64_t address, std::shared_ptr<QueueFile>* file,
                          ExtensionUnit* unit) const {
  const int64_t offset = ExtensionOffsetOf(address);
  const QueueFile* held = file->get();
  if (held == nullptr || offset < held->start_offset() ||
      offset - held->start_offset() >= held->size()) {
    *file = files_.Find(offset);
    held = file->get();
  }
  if (held == nullptr) return false;
  const std::span<const uint8_t> bytes(held->data(), held->size());
  return DecodeExtensionUnit(bytes.subspan(static_cast<size_t>(offset - held->start_offset())),
                             unit);
}

Status QueueExtension::Settle(int64_t end) {
  if (end > files_.end() || end <= files_.begin()) {
    APOGEE_RETURN_IF_ERROR(files_.RemoveAll());
  } else {
    APOGEE_RETURN_IF_ERROR(files_.CutAfter(end));
  }
  synced_.store(end, std::memory_order_release);
  end_.store(end, std::memory_order_release);
  return Status::Ok();
}

Status QueueExtension::Put(const ExtensionUnit& unit, int64_t* address) {
  const uint32_t size_bytes = unit.size_bytes();
  const uint32_t file_bytes = files_.file_bytes();
  int64_t at = end_.load(std::memory_order_relaxed);
  if (size_bytes > kMaxExtensionUnitBytes || size_bytes + kExtensionEndBytes > file_bytes ||
      at > kMaxOffset - int64_t{file_bytes} * 2) {
    return Status::Error(StatusCode::kTooLarge, "no extension file can hold the unit");
  }
  std::shared_ptr<QueueFile> file;
  const int64_t left = file_bytes - at % file_bytes;
  if (size_bytes + kExtensionEndBytes > left) {
    if (left >= kExtensionEndMarkBytes) {
      APOGEE_RETURN_IF_ERROR(files_.Writable(at, kExtensionEndMarkBytes, &file));
      EncodeExtensionEnd(file->mutable_data() + (at - file->start_offset()));
    }
    at += left;
  }
  APOGEE_RETURN_IF_ERROR(files_.Writable(at, size_bytes, &file));
  EncodeExtensionUnit(unit, file->mutable_data() + (at - file->start_offset()));
  put_end_ = at + size_bytes;
  *address = ExtensionAddressOf(at);
  return Status::Ok();
}

void QueueExtension::Keep() { end_.store(put_end_, std::memory_order_release); }

Status QueueExtension::Sync() {
  const int64_t to = end_.load(std::memory_order_acquire);
  const int64_t from = synced_.load(std::memory_order_acquire);
  if (from >= to) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(files_.Sync(from, to));
  synced_.store(to, std::memory_order_release);
  return Status::Ok();
}

Status QueueExtension::SyncAll() {
  const int64_t to = files_.end();
  if (to == 0) return Status::Ok();
  const int64_t from = to - kFilesSynced * files_.file_bytes();
  APOGEE_RETURN_IF_ERROR(files_.Sync(std::max(from, files_.begin()), to));
  synced_.store(std::max<int64_t>(end_.load(), 0), std::memory_order_release);
  return Status::Ok();
}

Status QueueExtension::TrimBelow(int64_t address) {
  for (;;) {
    const Status status = files_.RemoveFirstBefore(ExtensionOffsetOf(address));
    if (status.code() == StatusCode::kNotFound) return Status::Ok();
    APOGEE_RETURN_IF_ERROR(status);
  }
}

Status QueueExtension::Remove() {
  APOGEE_RETURN_IF_ERROR(files_.RemoveAll());
  APOGEE_RETURN_IF_ERROR(RemoveDirectory(io_, files_.directory()));
  end_.store(0, std::memory_order_release);
  synced_.store(0, std::memory_order_release);
  return Status::Ok();
}

}  // namespace apogee
