#include "index/index_service.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace apogee {
namespace {

constexpr size_t kMaxNameDigits = 18;  // what surely fits a Java long

bool IsIndexFileName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameDigits &&
         std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A name for a file made now that sorts behind `last`, also when the clock went back.
std::string NextName(int64_t now_ms, const std::string& last) {
  const std::string name = IndexFileName(now_ms);
  if (last.empty() || name > last) return name;
  const std::string next = std::to_string(std::stoll(last) + 1);
  return std::string(last.size() - std::min(last.size(), next.size()), '0') + next;
}

// Count field that keeps the items of records below `offset`. A page that never reached the device
// ends them early, but not those that were durable.
int32_t CountBelow(const IndexFile& file, int64_t offset) {
  const int32_t end = file.header().count;
  int32_t count = 1;
  for (int64_t last = 0; count < end; ++count) {
    const int64_t at = file.Item(count).physical_offset;
    if (at < last || at >= offset) break;
    last = at;
  }
  return count;
}

}  // namespace

IndexService::IndexService(StoreIo& io, const Clock& clock, std::string directory, IndexSize size)
    : io_(io), clock_(clock), directory_(std::move(directory)), size_(size) {}

Status IndexService::Load(std::vector<std::string>* ignored) {
  std::vector<DirEntry> entries;
  APOGEE_RETURN_IF_ERROR(io_.List(directory_, &entries));
  for (const DirEntry& entry : entries) {
    const std::string path = directory_ + '/' + entry.name;
    if (entry.is_directory || !IsIndexFileName(entry.name)) {
      ignored->push_back("an entry of index/ has a name that is no index file's");
      continue;
    }
    if (entry.size_bytes == 0) {  // a crash between create and allocate
      APOGEE_RETURN_IF_ERROR(io_.Remove(path));
      continue;
    }
    std::shared_ptr<IndexFile> file;
    const Status opened = IndexFile::Open(io_, path, size_, &file);
    if (opened.code() == StatusCode::kCorruption) {
      ignored->push_back(opened.context());
      incomplete_ = true;
      continue;
    }
    APOGEE_RETURN_IF_ERROR(opened);
    files_.push_back(std::move(file));
  }
  return Status::Ok();
}

// Count field of what may stay of `file`: its own when nothing has to go.
int32_t IndexService::KeptItems(const IndexFile& file, const RecoverInput& input) const {
  const IndexHeader header = file.header();
  if (input.durable_below.value >= 0) {
    const int64_t below = std::min(input.durable_below.value, input.log_end.value);
    return header.end_offset < below ? header.count : CountBelow(file, below);
  }
  const bool all_synced = input.clean || header.end_time_ms <= input.durable_until_ms;
  if (all_synced && header.end_offset < input.log_end.value) return header.count;
  int32_t count = 1;
  int64_t last_offset = -1;
  for (; count < header.count; ++count) {
    const IndexItem item = file.Item(count);
    // Whole seconds are stored, so the record may be almost a second younger.
    const int64_t latest_ms = IndexTimeMs(header.begin_time_ms, item.seconds) + 999;
    const bool synced = all_synced || latest_ms <= input.durable_until_ms;
    const bool plausible =
        item.key_hash >= 0 && item.physical_offset >= last_offset && item.seconds >= 0;
    if (!synced || !plausible || item.physical_offset >= input.log_end.value) break;
    last_offset = item.physical_offset;
  }
  return count;
}

Status IndexService::RemoveFrom(size_t index) {
  while (files_.size() > index) {
    APOGEE_RETURN_IF_ERROR(files_.back()->Remove());
    files_.pop_back();
  }
  return Status::Ok();
}

Status IndexService::Recover(const RecoverInput& given, PhysicalOffset* resume_from) {
  const std::lock_guard lock(mutex_);
  RecoverInput input = given;
  const bool reaches =
      !files_.empty() && files_.back()->header().end_offset >= input.least_end_offset;
  incomplete_ = incomplete_ || !reaches;
  if (incomplete_) input.durable_below = {-1};
  for (size_t i = 0; i < files_.size(); ++i) {
    IndexFile& file = *files_[i];
    if (!input.clean) file.MarkDirty();
    const IndexHeader header = file.header();
    const int32_t kept = KeptItems(file, input);
    const bool inherits_too_much = header.count == 1 && header.end_offset > input.log_end.value;
    if (kept == header.count && !inherits_too_much) continue;
    if (kept > 1)
      file.KeepItems(
          kept, std::max<int64_t>(input.store_time_at({file.Item(kept - 1).physical_offset}), 0));
    APOGEE_RETURN_IF_ERROR(RemoveFrom(kept > 1 ? i + 1 : i));
  }
  if (input.durable_below.value >= 0) {
    *resume_from = skip_below_ = std::min(input.durable_below, input.log_end);
    return Status::Ok();
  }
  FindLastRecord();
  const bool complete = input.clean && !incomplete_ && !files_.empty();
  *resume_from = complete ? input.log_end : std::max(partial_offset_, PhysicalOffset{0});
  skip_below_ = *resume_from;
  return Status::Ok();
}

// The newest record of the index may lack keys, and the keys it has may stand in two files.
void IndexService::FindLastRecord() {
  partial_offset_ = {-1};
  partial_keys_ = 0;
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    for (int32_t number = (*file)->header().count - 1; number > 0; --number) {
      const PhysicalOffset offset{(*file)->Item(number).physical_offset};
      if (partial_keys_ > 0 && offset != partial_offset_) return;
      partial_offset_ = offset;
      ++partial_keys_;
    }
  }
}

IndexService::Files IndexService::Snapshot() const {
  const std::shared_lock lock(mutex_);
  return files_;
}

Status IndexService::WritableFile(std::shared_ptr<IndexFile>* file) {
  if (!current_) {
    const Files files = Snapshot();
    if (!files.empty()) current_ = files.back();
  }
  if (!current_ || current_->full()) {
    IndexHeader before;
    if (current_) before = current_->header();
    const std::string last = current_ ? NameOf(current_->path()) : std::string();
    std::shared_ptr<IndexFile> created;
    APOGEE_RETURN_IF_ERROR(IndexFile::Create(io_, directory_ + '/' + NextName(clock_.NowMs(), last),
                                             size_, current_ ? &before : nullptr, &created));
    const std::lock_guard lock(mutex_);
    files_.push_back(created);
    current_ = std::move(created);
  }
  *file = current_;
  return Status::Ok();
}

Status IndexService::PutKey(const IndexedRecord& record, std::string_view key) {
  std::shared_ptr<IndexFile> file;
  APOGEE_RETURN_IF_ERROR(WritableFile(&file));
  return file->Put(IndexKeyHash(IndexKey(record.topic, key)), record.physical_offset,
                   record.store_time_ms);
}

Status IndexService::Put(const IndexedRecord& record) {
  if (record.physical_offset < skip_below_) return Status::Ok();
  std::shared_ptr<IndexFile> file;
  APOGEE_RETURN_IF_ERROR(WritableFile(&file));
  if (record.physical_offset.value < file->header().end_offset) return Status::Ok();
  if (partial_offset_ != record.physical_offset) {
    partial_offset_ = record.physical_offset;
    partial_keys_ = 0;
  }
  size_t number = 0;
  const auto put = [&](std::string_view key) {
    if (number++ < partial_keys_) return Status::Ok();
    APOGEE_RETURN_IF_ERROR(PutKey(record, key));
    ++partial_keys_;
    return Status::Ok();
  };
  if (!record.unique_key.empty()) APOGEE_RETURN_IF_ERROR(put(record.unique_key));
  for (size_t at = 0; at < record.keys.size();) {
    const size_t end = std::min(record.keys.find(' ', at), record.keys.size());
    if (end > at) APOGEE_RETURN_IF_ERROR(put(record.keys.substr(at, end - at)));
    at = end + 1;
  }
  return Status::Ok();
}

IndexAnswer IndexService::Query(const IndexQuery& query) const {
  IndexAnswer answer;
  const Files files = Snapshot();
  if (files.empty()) return answer;
  const IndexHeader newest = files.back()->header();
  answer.last_update_time_ms = newest.end_time_ms;
  answer.last_update_physical_offset = newest.end_offset;
  const int32_t hash = IndexKeyHash(IndexKey(query.topic, query.key));
  for (auto file = files.rbegin(); file != files.rend() && answer.offsets.size() < query.max_count;
       ++file) {
    if ((*file)->Overlaps(query.begin_ms, query.end_ms)) {
      (*file)->Select(hash, query.max_count, query.begin_ms, query.end_ms, &answer.offsets);
    }
    if ((*file)->header().begin_time_ms < query.begin_ms) break;
  }
  return answer;
}

Status IndexService::RemoveFirstBefore(PhysicalOffset offset) {
  // The file goes before its entry, and not under the lock: deleting a large file takes its time.
  std::shared_ptr<IndexFile> first;
  {
    const std::shared_lock lock(mutex_);
    if (files_.size() >= 2) first = files_.front();
  }
  if (!first || first->header().end_offset >= offset.value) {
    return Status::Error(StatusCode::kNotFound, "no index file of " + directory_ + " lies below");
  }
  APOGEE_RETURN_IF_ERROR(first->Remove());
  const std::lock_guard lock(mutex_);
  files_.erase(files_.begin());
  return Status::Ok();
}

int64_t IndexService::end_offset() const {
  const std::shared_lock lock(mutex_);
  return files_.empty() ? 0 : files_.back()->header().end_offset;
}

Status IndexService::Flush() {
  for (const auto& file : Snapshot()) {
    if (file->dirty()) APOGEE_RETURN_IF_ERROR(file->Flush());
  }
  return Status::Ok();
}

}  // namespace apogee
