#include "store/multi_dispatch.h"

#include <algorithm>
#include <charconv>

#include "queue/topic_table.h"

namespace apogee {
namespace {

constexpr char kNameEnd = 1;
constexpr char kPropertyEnd = 2;
constexpr char kSeparator = ',';

// Calls `visit` with each part; as in Java, empty parts at the end are none.
template <typename Visit>
void ForEachPart(std::string_view text, Visit visit) {
  while (text.ends_with(kSeparator)) text.remove_suffix(1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(kSeparator, at), text.size());
    visit(text.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

bool IsLmqName(std::string_view name) {
  return name.starts_with(kLmqPrefix) && name.size() > kLmqPrefix.size() && IsValidTopicName(name);
}

std::vector<std::string_view> LmqNames(std::string_view value) {
  std::vector<std::string_view> names;
  bool valid = true;
  ForEachPart(value, [&](std::string_view name) {
    valid = valid && IsLmqName(name);
    names.push_back(name);
  });
  if (!valid) names.clear();
  return names;
}

std::string WithMultiQueueOffsets(std::span<const uint8_t> properties,
                                  std::span<const int64_t> offsets) {
  const std::string_view text(reinterpret_cast<const char*>(properties.data()), properties.size());
  std::string with;
  with.reserve(text.size() + kMultiQueueOffsetProperty.size() + offsets.size() * 8);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(kPropertyEnd, at), text.size());
    const std::string_view property = text.substr(at, end - at);
    at = end + 1;
    const bool replaced = property.substr(0, property.find(kNameEnd)) == kMultiQueueOffsetProperty;
    if (property.empty() || replaced) continue;
    with.append(property).append(1, kPropertyEnd);
  }
  with.append(kMultiQueueOffsetProperty).append(1, kNameEnd);
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (i > 0) with += kSeparator;
    with += std::to_string(offsets[i]);
  }
  // Some of Java's writers end each property, others only separate them: as it was.
  if (text.ends_with(kPropertyEnd)) with += kPropertyEnd;
  return with;
}

std::vector<LmqPlace> LmqPlaces(std::string_view names, std::string_view offsets) {
  std::vector<LmqPlace> places;
  for (const std::string_view name : LmqNames(names)) places.push_back({name, {-1}});
  size_t count = 0;
  bool valid = true;
  ForEachPart(offsets, [&](std::string_view text) {
    int64_t offset = -1;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
    valid = valid && error == std::errc() && stopped == text.data() + text.size() && offset >= 0;
    if (count < places.size()) places[count].queue_offset = {offset};
    ++count;
  });
  if (!valid || count != places.size()) places.clear();
  return places;
}

}  // namespace apogee
