#include "base/crc32.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace apogee {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Crc32Test, KnownVectors) {
  EXPECT_EQ(Crc32({}), 0u);
  EXPECT_EQ(Crc32(Bytes("123456789")), 0xCBF43926u);
  EXPECT_EQ(Crc32(Bytes("hello")) & 0x7FFFFFFFu, 907060870u);
  EXPECT_EQ(Crc32(Bytes("The quick brown fox jumps over the lazy dog")), 0x414FA339u);
  const std::vector<uint8_t> zeros(32, 0);
  EXPECT_EQ(Crc32(zeros), 0x190A55ADu);
  const std::vector<uint8_t> ones(32, 0xFF);
  EXPECT_EQ(Crc32(ones), 0xFF6CAB0Bu);
}

// One bit at a time, straight from the definition.
uint32_t SlowCrc32(std::span<const uint8_t> bytes) {
  uint32_t state = 0xFFFFFFFFu;
  for (const uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xEDB88320u : 0);
  }
  return ~state;
}

TEST(Crc32Test, TableAndFoldingAgreeAtEveryLengthAndAlignment) {
  std::mt19937 random(20231121);
  std::vector<uint8_t> bytes(700 + 16);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
  for (size_t align = 0; align < 16; ++align) {
    for (size_t length = 0; length <= 700; ++length) {
      const uint8_t* from = bytes.data() + align;
      const uint32_t table = internal::Crc32Table(0xFFFFFFFFu, from, length);
      if (internal::CanFoldCrc32()) {
        ASSERT_EQ(internal::Crc32Folding(0xFFFFFFFFu, from, length), table)
            << length << " at " << align;
      }
      if (align == 0) {
        ASSERT_EQ(~table, SlowCrc32({from, length})) << length;
      }
      ASSERT_EQ(Crc32({from, length}), ~table);
    }
  }
}

TEST(Crc32Test, AgreesOnLargeBodies) {
  std::mt19937 random(7);
  for (const size_t length : {1024u, 4096u, 65537u, 1000003u}) {
    std::vector<uint8_t> bytes(length);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    EXPECT_EQ(Crc32(bytes), SlowCrc32(bytes)) << length;
  }
}

}  // namespace
}  // namespace apogee
