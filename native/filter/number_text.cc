#include "filter/number_text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace apogee {
namespace {

constexpr size_t kExactDigits = 15;  // a double holds every integer of so many
constexpr size_t kLongDigits = 19;   // of the largest long
constexpr std::array<double, kExactDigits + 1> kPowers = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
// Everything that stands in a number as Java writes one, apart from names of special values.
constexpr std::string_view kNumberCharacters = "0123456789.+-eEfFdDxXpPaAbBcC";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsSign(char c) { return c == '+' || c == '-'; }

std::string_view Trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

NumberText ReadInteger(std::string_view text, int64_t min, int64_t max, int64_t* value) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && IsSign(text.front())) text.remove_prefix(1);
  if (text.empty()) return NumberText::kNone;
  if (std::ranges::any_of(text, [](char c) { return IsAscii(c) && !IsDigit(c); }))
    return NumberText::kNone;
  if (!std::ranges::all_of(text, IsAscii)) return NumberText::kUnsure;
  while (!text.empty() && text.front() == '0') text.remove_prefix(1);
  if (text.size() > kLongDigits) return NumberText::kNone;
  uint64_t magnitude = 0;  // 19 digits fit
  for (const char c : text) magnitude = magnitude * 10 + static_cast<uint64_t>(c - '0');
  const uint64_t limit =
      negative ? uint64_t{0} - static_cast<uint64_t>(min) : static_cast<uint64_t>(max);
  if (magnitude > limit) return NumberText::kNone;
  *value = static_cast<int64_t>(negative ? uint64_t{0} - magnitude : magnitude);
  return NumberText::kNumber;
}

NumberText ReadDouble(std::string_view text, double* value) {
  text = Trimmed(text);
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && IsSign(text.front())) text.remove_prefix(1);
  if (text.empty()) return NumberText::kNone;
  if (text.front() == 'N' || text.front() == 'I') return NumberText::kUnsure;
  if (!IsDigit(text.front()) && text.front() != '.') return NumberText::kNone;
  if (text.find_first_not_of(kNumberCharacters) != std::string_view::npos) return NumberText::kNone;
  uint64_t units = 0;
  size_t digits = 0;
  size_t fraction = 0;
  bool has_point = false;
  for (const char c : text) {
    if (IsDigit(c)) {
      if (++digits > kExactDigits) return NumberText::kUnsure;
      units = units * 10 + static_cast<uint64_t>(c - '0');
      if (has_point) ++fraction;
    } else if (c == '.' && !has_point) {
      has_point = true;
    } else {
      return NumberText::kUnsure;
    }
  }
  if (digits == 0) return NumberText::kNone;
  // A quotient of two exact numbers is rounded once.
  const double magnitude = static_cast<double>(units) / kPowers[fraction];
  *value = negative ? -magnitude : magnitude;
  return NumberText::kNumber;
}

int CompareDoubles(double left, double right) {
  if (left < right) return -1;
  if (left > right) return 1;
  if (std::isnan(left) || std::isnan(right)) return int{std::isnan(left)} - int{std::isnan(right)};
  return int{std::signbit(right)} - int{std::signbit(left)};
}

}  // namespace apogee
