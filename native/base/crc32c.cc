#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace apogee {
namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: the register after byte b and then k zero bytes.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ (0x82F63B78u & (0u - (state & 1)));
    tables[0][byte] = state;
  }
  for (size_t zeros = 1; zeros < tables.size(); ++zeros) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[zeros - 1][byte];
      tables[zeros][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

namespace internal {

uint32_t Crc32cTable(uint32_t state, const uint8_t* bytes, size_t count) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; count >= 8; bytes += 8, count -= 8) {
      uint32_t low = 0;
      uint32_t high = 0;
      std::memcpy(&low, bytes, 4);
      std::memcpy(&high, bytes + 4, 4);
      low ^= state;
      state = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^
              kTables[5][(low >> 16) & 0xFF] ^ kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^
              kTables[2][(high >> 8) & 0xFF] ^ kTables[1][(high >> 16) & 0xFF] ^
              kTables[0][high >> 24];
    }
  }
  for (; count > 0; --count, ++bytes) state = (state >> 8) ^ kTables[0][(state ^ *bytes) & 0xFF];
  return state;
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
