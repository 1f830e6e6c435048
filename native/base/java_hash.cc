#include "base/java_hash.h"

#include <cstddef>

namespace apogee {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

// What may follow a lead byte: how many continuation bytes, and the range of the first of them
// (narrower than 80..BF where it would be overlong, a surrogate or beyond U+10FFFF).
struct LeadByte {
  int following;
  uint8_t first_low = 0x80;
  uint8_t first_high = 0xBF;
};

LeadByte Classify(uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {0};
}

// Decodes the code point at `*at` and moves `*at` behind it, or behind the ill-formed part.
uint32_t NextCodePoint(std::string_view utf8, size_t* at) {
  const auto lead = static_cast<uint8_t>(utf8[(*at)++]);
  if (lead < 0x80) return lead;
  const LeadByte kind = Classify(lead);
  if (kind.following == 0) return kReplacement;
  uint32_t code_point = lead & (0x3Fu >> kind.following);
  for (int k = 0; k < kind.following; ++k) {
    if (*at == utf8.size()) return kReplacement;
    const auto byte = static_cast<uint8_t>(utf8[*at]);
    const uint8_t low = k == 0 ? kind.first_low : 0x80;
    const uint8_t high = k == 0 ? kind.first_high : 0xBF;
    if (byte < low || byte > high) return kReplacement;
    code_point = (code_point << 6) | (byte & 0x3F);
    ++*at;
  }
  return code_point;
}

}  // namespace

int32_t JavaHashCode(std::string_view utf8) {
  uint32_t hash = 0;
  for (size_t at = 0; at < utf8.size();) {
    const uint32_t code_point = NextCodePoint(utf8, &at);
    if (code_point < 0x10000) {
      hash = 31 * hash + code_point;
    } else {
      hash = 31 * hash + (0xD800 + ((code_point - 0x10000) >> 10));
      hash = 31 * hash + (0xDC00 + (code_point & 0x3FF));
    }
  }
  return static_cast<int32_t>(hash);
}

}  // namespace apogee
