// Counts the message records in the body of a pull reply.
#pragma once

#include <cstdint>
#include <string_view>

namespace apogee::bench {

inline uint32_t ReadBigEndian32(const char* at) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  return (uint32_t{bytes[0]} << 24) | (uint32_t{bytes[1]} << 16) | (uint32_t{bytes[2]} << 8) |
         bytes[3];
}

// The number of records, each led by its size and its magic code, or -1 when the body is not made
// of whole records.
inline int64_t CountRecords(std::string_view body) {
  constexpr uint32_t kMagicV1 = 0xDAA320A7;
  constexpr uint32_t kMagicV2 = 0xDAA320AB;
  constexpr size_t kLeadBytes = 8;
  int64_t count = 0;
  while (!body.empty()) {
    if (body.size() < kLeadBytes) return -1;
    const uint32_t size = ReadBigEndian32(body.data());
    const uint32_t magic = ReadBigEndian32(body.data() + 4);
    if (size < kLeadBytes || size > body.size() || (magic != kMagicV1 && magic != kMagicV2))
      return -1;
    body.remove_prefix(size);
    ++count;
  }
  return count;
}

}  // namespace apogee::bench
