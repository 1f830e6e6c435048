#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace apogee::internal {

// Tables of a reflected CRC of 32 bits, for eight bytes at a time: tables[k][b] is the register
// after byte b and then k zero bytes.
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables(uint32_t reflected_polynomial) {
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1) ^ (reflected_polynomial & (0u - (state & 1)));
    }
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

// The register after `count` more bytes.
inline uint32_t CrcByTables(const CrcTables& tables, uint32_t state, const uint8_t* bytes,
                            size_t count) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; count >= 8; bytes += 8, count -= 8) {
      uint32_t low = 0;
      uint32_t high = 0;
      std::memcpy(&low, bytes, 4);
      std::memcpy(&high, bytes + 4, 4);
      low ^= state;
      state = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF] ^
              tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][(high >> 8) & 0xFF] ^
              tables[1][(high >> 16) & 0xFF] ^ tables[0][high >> 24];
    }
  }
  for (; count > 0; --count, ++bytes) state = (state >> 8) ^ tables[0][(state ^ *bytes) & 0xFF];
  return state;
}

}  // namespace apogee::internal
