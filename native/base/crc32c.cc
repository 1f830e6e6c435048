#include "base/crc32c.h"

#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "base/crc_tables.h"

namespace apogee {
namespace {

constexpr internal::CrcTables kTables = internal::MakeCrcTables(0x82F63B78u);

}  // namespace

namespace internal {

uint32_t Crc32cTable(uint32_t state, const uint8_t* bytes, size_t count) {
  return CrcByTables(kTables, state, bytes, count);
}

#if defined(__x86_64__)

bool HasCrc32cInstruction() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}

__attribute__((target("sse4.2"))) uint32_t Crc32cInstruction(uint32_t state, const uint8_t* bytes,
                                                             size_t count) {
  uint64_t wide = state;
  for (; count >= 8; bytes += 8, count -= 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes, 8);
    wide = _mm_crc32_u64(wide, eight);
  }
  state = static_cast<uint32_t>(wide);
  for (; count > 0; --count, ++bytes) state = _mm_crc32_u8(state, *bytes);
  return state;
}

#else

bool HasCrc32cInstruction() { return false; }
uint32_t Crc32cInstruction(uint32_t state, const uint8_t* bytes, size_t count) {
  return Crc32cTable(state, bytes, count);
}

#endif

}  // namespace internal

uint32_t Crc32c(uint32_t before, std::span<const uint8_t> bytes) {
  const auto update =
      internal::HasCrc32cInstruction() ? internal::Crc32cInstruction : internal::Crc32cTable;
  return ~update(~before, bytes.data(), bytes.size());
}

}  // namespace apogee
