#include "queue/topic_table.h"

#include <algorithm>
#include <mutex>

#include "format/message_record.h"

namespace apogee {
namespace {

bool IsTopicCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '%' || c == '|';
}

}  // namespace

bool IsValidTopicName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTopicBytes &&
         std::ranges::all_of(name, IsTopicCharacter);
}

Status TopicTable::Intern(std::string_view name, TopicHandle* handle) {
  if (Find(name, handle)) return Status::Ok();
  if (!IsValidTopicName(name)) {
    return Status::Error(StatusCode::kInvalidArgument, "topic name outside its alphabet or length");
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = handles_.find(name); found != handles_.end()) {
    *handle = {found->second};
    return Status::Ok();
  }
  if (names_.size() >= kMaxTopics) {
    return Status::Error(StatusCode::kTooLarge, "topic table is full");
  }
  *handle = {static_cast<int32_t>(names_.size())};
  handles_.emplace(names_.emplace_back(name), handle->value);
  return Status::Ok();
}

bool TopicTable::Find(std::string_view name, TopicHandle* handle) const {
  const std::shared_lock lock(mutex_);
  const auto found = handles_.find(name);
  if (found == handles_.end()) return false;
  *handle = {found->second};
  return true;
}

std::string_view TopicTable::Name(TopicHandle handle) const {
  const std::shared_lock lock(mutex_);
  if (handle.value < 0 || static_cast<size_t>(handle.value) >= names_.size()) return {};
  return names_[static_cast<size_t>(handle.value)];
}

}  // namespace apogee
