#include "store/removed_topics.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

#include "base/crc32.h"
#include "queue/topic_table.h"

namespace apogee {
namespace {

constexpr const char* kFileName = "/removed-topics";
constexpr size_t kCrcDigits = 8;
constexpr uint64_t kMaxFileBytes = 256u << 20;

uint32_t CrcOf(std::string_view text) {
  return Crc32({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// False when the text is not one that Add wrote.
bool Parse(std::string_view text, RemovedTopics::Ends* topics) {
  if (text.size() <= kCrcDigits || text[kCrcDigits] != '\n') return false;
  uint32_t crc = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + kCrcDigits, crc, 16);
  text.remove_prefix(kCrcDigits + 1);
  if (error != std::errc() || crc != CrcOf(text)) return false;
  while (!text.empty()) {
    int64_t offset = 0;
    const size_t line_end = text.find('\n');
    const auto [space, bad] = std::from_chars(text.data(), text.data() + text.size(), offset);
    const auto name_at = static_cast<size_t>(space - text.data()) + 1;
    if (bad != std::errc() || line_end == std::string_view::npos || name_at > line_end)
      return false;
    const std::string_view name = text.substr(name_at, line_end - name_at);
    if (!IsValidTopicName(name)) return false;
    topics->emplace(name, PhysicalOffset{offset});
    text.remove_prefix(line_end + 1);
  }
  return true;
}

}  // namespace

Status RemovedTopics::Load(StoreIo& io, const std::string& root) {
  io_ = &io;
  root_ = root;
  std::unique_ptr<StoreFile> file;
  const Status opened = io.Open(root + kFileName, StoreIo::OpenMode::kRead, &file);
  if (opened.code() == StatusCode::kNotFound) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(opened);
  uint64_t size_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file->Size(&size_bytes));
  if (size_bytes > kMaxFileBytes) return Status::Ok();
  std::vector<uint8_t> bytes(size_bytes);
  size_t read_bytes = 0;
  APOGEE_RETURN_IF_ERROR(file->Read(0, bytes, &read_bytes));
  Ends topics;
  if (!Parse({reinterpret_cast<const char*>(bytes.data()), read_bytes}, &topics)) {
    return Status::Ok();
  }
  const std::lock_guard lock(mutex_);
  Replace(std::move(topics));
  return Status::Ok();
}

Status RemovedTopics::CutAt(PhysicalOffset log_end) {
  Ends topics = this->topics();
  bool cut = false;
  for (auto& [name, end] : topics) {
    if (end <= log_end) continue;
    end = log_end;
    cut = true;
  }
  if (!cut) return Status::Ok();
  APOGEE_RETURN_IF_ERROR(Write(topics));
  const std::lock_guard lock(mutex_);
  Replace(std::move(topics));
  return Status::Ok();
}

void RemovedTopics::Begin(std::string_view topic, PhysicalOffset end) {
  const std::lock_guard lock(mutex_);
  begun_[std::string(topic)] = end;
  begun_count_.store(begun_.size(), std::memory_order_release);
}

bool RemovedTopics::IsBegun(std::string_view topic) const {
  if (begun_count_.load(std::memory_order_acquire) == 0) return false;
  const std::lock_guard lock(mutex_);
  return begun_.contains(topic);
}

Status RemovedTopics::Save(PhysicalOffset log_min) {
  const std::lock_guard one(save_mutex_);
  Ends topics;
  Ends begun;
  {
    const std::lock_guard lock(mutex_);
    if (begun_.empty()) return Status::Ok();
    topics = topics_;
    begun = begun_;
  }
  for (const auto& [name, end] : begun) topics[name] = end;
  std::erase_if(topics, [&](const auto& known) { return known.second <= log_min; });
  APOGEE_RETURN_IF_ERROR(Write(topics));
  const std::lock_guard lock(mutex_);
  Replace(std::move(topics));
  for (const auto& [name, end] : begun) {
    standing_[name] = end;
    // It may have begun once more meanwhile.
    if (begun_[name] == end) begun_.erase(name);
  }
  standing_count_.store(standing_.size(), std::memory_order_release);
  begun_count_.store(begun_.size(), std::memory_order_release);
  return Status::Ok();
}

void RemovedTopics::Replace(Ends topics) {
  int64_t highest = 0;
  for (const auto& [name, end] : topics) highest = std::max(highest, end.value);
  topics_ = std::move(topics);
  highest_.store(highest, std::memory_order_release);
}

Status RemovedTopics::Write(const Ends& topics) {
  std::string lines;
  for (const auto& [name, end] : topics) {
    lines.append(std::to_string(end.value)).append(1, ' ').append(name).append(1, '\n');
  }
  char crc[kCrcDigits + 2];
  std::snprintf(crc, sizeof crc, "%08x\n", CrcOf(lines));
  const std::string text = crc + lines;
  const std::string path = root_ + kFileName;
  const std::string fresh = path + ".new";
  std::unique_ptr<StoreFile> file;
  APOGEE_RETURN_IF_ERROR(io_->Open(fresh, StoreIo::OpenMode::kCreate, &file));
  APOGEE_RETURN_IF_ERROR(file->Truncate(0));
  APOGEE_RETURN_IF_ERROR(
      file->Write(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  APOGEE_RETURN_IF_ERROR(file->Sync());
  APOGEE_RETURN_IF_ERROR(io_->Rename(fresh, path));
  return io_->SyncDirectory(root_);
}

bool RemovedTopics::Covers(std::string_view topic, PhysicalOffset offset) const {
  if (offset.value >= highest_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(topic);
  return found != topics_.end() && offset < found->second;
}

std::optional<PhysicalOffset> RemovedTopics::Standing(std::string_view topic) const {
  if (standing_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = standing_.find(topic);
  return found == standing_.end() ? std::nullopt : std::optional(found->second);
}

void RemovedTopics::QueuesGone(std::string_view topic, PhysicalOffset end) {
  const std::lock_guard lock(mutex_);
  const auto found = standing_.find(topic);
  if (found == standing_.end() || found->second != end) return;
  standing_.erase(found);
  standing_count_.store(standing_.size(), std::memory_order_release);
}

RemovedTopics::Ends RemovedTopics::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

RemovedTopics::Ends RemovedTopics::topics() const {
  const std::lock_guard lock(mutex_);
  return topics_;
}

}  // namespace apogee
