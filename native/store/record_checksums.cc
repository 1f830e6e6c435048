#include "store/record_checksums.h"

#include <algorithm>
#include <utility>

#include "log/mapped_file_queue.h"

namespace apogee {
namespace {

// Written without waiting for the checkpoint once so many are there.
constexpr size_t kWorthAWrite = 4096;
// Kept for a disk that is full now; behind that the oldest go.
constexpr size_t kMostPending = 64 * 1024;

// The segment a file is for, -1 when its name is no segment's.
int64_t SegmentOfName(const std::string& name) {
  constexpr size_t kMostDigits = 18;  // what surely fits
  const size_t digits = name.find_first_not_of('0');
  const std::string number = digits == std::string::npos ? "0" : name.substr(digits);
  const bool plain = std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || number.size() > kMostDigits) return -1;
  const int64_t segment = std::stoll(number);
  return SegmentName(segment) == name ? segment : -1;
}

// What a page that never reached the device looks like: not the entry of a segment's first record.
bool NeverWritten(const RecordChecksum& entry) { return entry == RecordChecksum{}; }

}  // namespace

RecordChecksums::RecordChecksums(StoreIo& io, std::string directory, uint32_t segment_bytes)
    : io_(io), directory_(std::move(directory)), segment_bytes_(segment_bytes) {}

std::string RecordChecksums::PathOf(int64_t segment) const {
  return directory_ + '/' + SegmentName(segment);
}

Status RecordChecksums::KeepBelow(PhysicalOffset from, PhysicalOffset below) {
  from_ = from;
  trusted_below_ = std::max(from, below);
  APOGEE_RETURN_IF_ERROR(io_.CreateDirectories(directory_));
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  bool removed = false;
  for (const DirEntry& entry : entries) {
    const int64_t segment = entry.is_directory ? -1 : SegmentOfName(entry.name);
    if (segment < 0) continue;
    if (segment >= trusted_below_.value || segment + segment_bytes_ <= from.value) {
      APOGEE_RETURN_IF_ERROR(io_.Remove(PathOf(segment)));
      removed = true;
    } else if (segment == SegmentOf(trusted_below_)) {
      APOGEE_RETURN_IF_ERROR(Truncate(segment, trusted_below_));
    }
  }
  return removed ? io_.SyncDirectory(directory_) : Status::Ok();
}

// Drops the entries of records from `below` on. Those before ascend; behind them there may be pages
// that were never written.
Status RecordChecksums::Truncate(int64_t segment, PhysicalOffset below) {
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_.Open(PathOf(segment), StoreIo::OpenMode::kReadWrite, &file));
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file->Size(&size_bytes));
  uint64_t low = 0;
  uint64_t high = size_bytes / kRecordChecksumBytes;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    uint8_t bytes[kRecordChecksumBytes] = {};
    size_t read_bytes = 0;
    APOGEE_RETURN_IF_ERROR(file->Read(middle * kRecordChecksumBytes, bytes, &read_bytes));
    const RecordChecksum entry = DecodeRecordChecksum(bytes);
    if (!NeverWritten(entry) && entry.position < below.value - segment) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const uint64_t kept_bytes = low * kRecordChecksumBytes;
  if (kept_bytes == size_bytes) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(file->Truncate(kept_bytes));
  // What is dropped here must not come back below a later point.
  return file->Sync();
}

void RecordChecksums::StartAt(PhysicalOffset offset) {
  next_ = offset;
  if (trusted_below_ <= from_) from_ = trusted_below_ = offset;
}

void RecordChecksums::Disable(const Status& failure) {
  trusted_below_ = from_;
  const std::lock_guard lock(mutex_);
  failure_ = failure;
}

void RecordChecksums::Put(PhysicalOffset offset, uint32_t checksum) {
  if (offset < next_) return;
  next_ = offset + 1;
  collected_.push_back({offset, checksum});
}

void RecordChecksums::Commit() {
  if (collected_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) pending_.insert(pending_.end(), collected_.begin(), collected_.end());
  collected_.clear();
  DropOldest();
  if (pending_.size() < kWorthAWrite || disk_full_) return;
  // What cannot be written now stays pending until Sync tries again.
  [[maybe_unused]] const Status status = WritePending();
}

// With mutex_ held.
void RecordChecksums::DropOldest() {
  if (pending_.size() <= kMostPending) return;
  pending_.erase(pending_.begin(), pending_.end() - static_cast<ptrdiff_t>(kMostPending / 2));
}

// With mutex_ held.
Status RecordChecksums::WritePending() {
  size_t written = 0;
  Status status = failure_;
  while (status.ok() && written < pending_.size()) {
    size_t end = written + 1;
    const int64_t segment = SegmentOf(pending_[written].offset);
    while (end < pending_.size() && SegmentOf(pending_[end].offset) == segment) ++end;
    status = WriteGroup(written, end - written);
    if (status.ok()) written = end;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(written));
  if (!status.ok() && status.code() != StatusCode::kNoSpace) {
    failure_ = status;
    pending_.clear();
  }
  disk_full_ = status.code() == StatusCode::kNoSpace;
  return status;
}

// With mutex_ held: entries of one segment.
Status RecordChecksums::WriteGroup(size_t first, size_t count) {
  const int64_t segment = SegmentOf(pending_[first].offset);
  if (open_.segment != segment) APOGEE_RETURN_IF_ERROR(OpenSegment(segment));
  std::vector<uint8_t> bytes(count * kRecordChecksumBytes);
  for (size_t i = 0; i < count; ++i) {
    const Pending& entry = pending_[first + i];
    EncodeRecordChecksum({static_cast<uint32_t>(entry.offset.value - segment), entry.checksum},
                         bytes.data() + i * kRecordChecksumBytes);
  }
  APOGEE_RETURN_IF_ERROR(open_.file->Write(open_.size_bytes, bytes));
  open_.size_bytes += bytes.size();
  if (unsynced_.empty() || unsynced_.back() != open_.file) unsynced_.push_back(open_.file);
  return Status::Ok();
}

// With mutex_ held.
Status RecordChecksums::OpenSegment(int64_t segment) {
  const std::string path = PathOf(segment);
  const bool known = io_.Exists(path);
  std::unique_ptr<StoreFile> file;
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(io_.Open(path, StoreIo::OpenMode::kCreate, &file));
  APOGEE_RETURN_IF_ERROR(file->Size(&size_bytes));
  directory_unsynced_ = directory_unsynced_ || !known;
  open_ = {segment, std::move(file), size_bytes - size_bytes % kRecordChecksumBytes};
  return Status::Ok();
}

bool RecordChecksums::Sync() {
  std::vector<std::shared_ptr<StoreFile>> files;
  bool sync_directory = false;
  {
    const std::lock_guard lock(mutex_);
    if (!WritePending().ok()) return false;
    files.swap(unsynced_);
    sync_directory = std::exchange(directory_unsynced_, false);
  }
  Status status;
  for (const auto& file : files) {
    if (status.ok()) status = file->Sync();
  }
  if (status.ok() && sync_directory) status = io_.SyncDirectory(directory_);
  if (status.ok()) return true;
  // The kernel may have dropped the pages: nothing later is known to be there.
  const std::lock_guard lock(mutex_);
  failure_ = status;
  pending_.clear();
  return false;
}

void RecordChecksums::RemoveBelow(PhysicalOffset log_min) {
  std::vector<DirEntry> entries;
  if (!io_.List(directory_, &entries).ok()) return;
  for (const DirEntry& entry : entries) {
    const int64_t segment = entry.is_directory ? -1 : SegmentOfName(entry.name);
    if (segment < 0 || segment + segment_bytes_ > log_min.value) continue;
    {
      const std::lock_guard lock(entries_mutex_);
      entries_.erase(segment);
    }
    // One that stays is met again next time.
    [[maybe_unused]] const Status removed = io_.Remove(PathOf(segment));
  }
}

std::shared_ptr<const RecordChecksums::Entries> RecordChecksums::EntriesOf(int64_t segment) const {
  const std::lock_guard lock(entries_mutex_);
  const auto known = entries_.find(segment);
  if (known != entries_.end()) return known->second;
  auto entries = std::make_shared<Entries>();
  std::unique_ptr<StoreFile> file;
  uint64_t size_bytes = 0;
  Status status = io_.Open(PathOf(segment), StoreIo::OpenMode::kRead, &file);
  if (status.ok()) status = file->Size(&size_bytes);
  size_bytes -= size_bytes % kRecordChecksumBytes;
  if (status.ok() && size_bytes > 0) status = file->Map(size_bytes, false, &entries->mapping);
  if (entries->mapping) entries->count = size_bytes / kRecordChecksumBytes;
  entries_[segment] = entries;
  return entries;
}

bool RecordChecksums::Matches(const RecordView& record) const {
  const PhysicalOffset at = record.fields.physical_offset;
  if (at < from_ || at >= trusted_below_) return true;
  const int64_t segment = SegmentOf(at);
  const auto entries = EntriesOf(segment);
  const auto position = static_cast<uint32_t>(at.value - segment);
  size_t low = 0;
  size_t high = entries->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const RecordChecksum entry =
        DecodeRecordChecksum(entries->mapping->data() + middle * kRecordChecksumBytes);
    if (entry.position == position)
      return NeverWritten(entry) || entry.checksum == ChecksumOf(record);
    if (entry.position < position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return true;
}

}  // namespace apogee
