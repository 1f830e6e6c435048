#include "base/crc32.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/crc_tables.h"

namespace apogee {
namespace {

constexpr internal::CrcTables kTables = internal::MakeCrcTables(0xEDB88320u);

// Below this the set-up of folding costs more than it saves.
constexpr size_t kLeastFoldingBytes = 128;

}  // namespace

namespace internal {

uint32_t Crc32Table(uint32_t state, const uint8_t* bytes, size_t count) {
  return CrcByTables(kTables, state, bytes, count);
}

#if defined(__x86_64__)

namespace {

// Moves the 128 bits of `lanes` forward over the distance that `factors` stand for, onto `next`.
__attribute__((target("pclmul,sse4.1"))) inline __m128i Fold(__m128i lanes, __m128i factors,
                                                             __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(lanes, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lanes, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

inline __m128i LoadBlock(const uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

}  // namespace

bool CanFoldCrc32() {
  static const bool can = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return can;
}

// Folds 64 bytes at a time into four 128-bit lanes, those into one, and lets the table reduce
// the last 16 bytes. The factors are powers of x modulo the polynomial, bit-reflected:
// x^(512+32) and x^(512-32) to skip 64 bytes, x^(128+32) and x^(128-32) to skip 16.
__attribute__((target("pclmul,sse4.1"))) uint32_t Crc32Folding(uint32_t state, const uint8_t* bytes,
                                                               size_t count) {
  if (count < 64) return Crc32Table(state, bytes, count);
  const __m128i skip64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i skip16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  __m128i lane0 = _mm_xor_si128(LoadBlock(bytes), _mm_cvtsi32_si128(static_cast<int>(state)));
  __m128i lane1 = LoadBlock(bytes + 16);
  __m128i lane2 = LoadBlock(bytes + 32);
  __m128i lane3 = LoadBlock(bytes + 48);
  bytes += 64;
  count -= 64;
  for (; count >= 64; bytes += 64, count -= 64) {
    lane0 = Fold(lane0, skip64, LoadBlock(bytes));
    lane1 = Fold(lane1, skip64, LoadBlock(bytes + 16));
    lane2 = Fold(lane2, skip64, LoadBlock(bytes + 32));
    lane3 = Fold(lane3, skip64, LoadBlock(bytes + 48));
  }
  __m128i lane = Fold(lane0, skip16, lane1);
  lane = Fold(lane, skip16, lane2);
  lane = Fold(lane, skip16, lane3);
  for (; count >= 16; bytes += 16, count -= 16) lane = Fold(lane, skip16, LoadBlock(bytes));
  uint8_t rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), lane);
  return Crc32Table(Crc32Table(0, rest, sizeof rest), bytes, count);
}

#else

bool CanFoldCrc32() { return false; }
uint32_t Crc32Folding(uint32_t state, const uint8_t* bytes, size_t count) {
  return Crc32Table(state, bytes, count);
}

#endif

}  // namespace internal

uint32_t Crc32(std::span<const uint8_t> bytes) {
  const bool fold = bytes.size() >= kLeastFoldingBytes && internal::CanFoldCrc32();
  const auto update = fold ? internal::Crc32Folding : internal::Crc32Table;
  return ~update(0xFFFFFFFFu, bytes.data(), bytes.size());
}

}  // namespace apogee
