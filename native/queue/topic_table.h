#pragma once

#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/offsets.h"
#include "base/status.h"

namespace apogee {

// 1 to 127 of the characters % | a-z A-Z 0-9 _ - : what may become a directory's name.
bool IsValidTopicName(std::string_view name);

// Topic names of one open store and their handles, counted from 0. Names are never forgotten.
// Thread: any.
class TopicTable {
 public:
  // More names than any cluster has; a caller that invents names must not eat all memory.
  static constexpr size_t kMaxTopics = 1'000'000;

  // kInvalidArgument for a name outside the alphabet, kTooLarge when the table is full.
  Status Intern(std::string_view name, TopicHandle* handle);
  bool Find(std::string_view name, TopicHandle* handle) const;
  // Empty for a handle that was never given out. The text lives as long as the table.
  std::string_view Name(TopicHandle handle) const;

 private:
  mutable std::shared_mutex mutex_;  // guards both; strings in names_ never move
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, int32_t> handles_;
};

}  // namespace apogee
