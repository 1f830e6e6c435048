#include "log/segment_name.h"

#include <algorithm>
#include <charconv>

namespace apogee {
namespace {

constexpr size_t kNameDigits = 20;

}  // namespace

std::string SegmentName(int64_t offset) {
  const std::string digits = std::to_string(offset);
  return std::string(kNameDigits - std::min(kNameDigits, digits.size()), '0') + digits;
}

int64_t ParseSegmentName(std::string_view name) {
  if (name.size() != kNameDigits) return -1;
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), offset);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  // So far from the end that no sum with sizes of files runs over.
  return whole && offset <= INT64_MAX / 2 ? offset : -1;
}

}  // namespace apogee
