#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace apogee {

// Big-endian integers at any alignment: the byte order of every file and frame of RocketMQ.

namespace internal {

template <typename T>
constexpr T BigEndian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <typename T>
T LoadBigEndian(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return BigEndian(value);
}

template <typename T>
void StoreBigEndian(uint8_t* into, T value) {
  value = BigEndian(value);
  std::memcpy(into, &value, sizeof value);
}

}  // namespace internal

inline uint16_t LoadBe16(const uint8_t* from) { return internal::LoadBigEndian<uint16_t>(from); }
inline uint32_t LoadBe32(const uint8_t* from) { return internal::LoadBigEndian<uint32_t>(from); }
inline uint64_t LoadBe64(const uint8_t* from) { return internal::LoadBigEndian<uint64_t>(from); }

inline void StoreBe16(uint8_t* into, uint16_t value) { internal::StoreBigEndian(into, value); }
inline void StoreBe32(uint8_t* into, uint32_t value) { internal::StoreBigEndian(into, value); }
inline void StoreBe64(uint8_t* into, uint64_t value) { internal::StoreBigEndian(into, value); }

}  // namespace apogee
