#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace apogee {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c(Bytes("123456789")), 0xE3069283u);
  EXPECT_EQ(Crc32c(Bytes("")), 0u);
  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0)), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0xFF)), 0x62A8AB43u);
}

TEST(Crc32cTest, PartsGiveWhatTheWholeGives) {
  const auto whole = Bytes("a header, and then what follows the body");
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    EXPECT_EQ(Crc32c(Crc32c(whole.first(cut)), whole.subspan(cut)), Crc32c(whole));
  }
}

TEST(Crc32cTest, InstructionAndTableAgree) {
  if (!internal::HasCrc32cInstruction()) GTEST_SKIP() << "no CRC-32C instruction here";
  std::mt19937 random(1);
  std::vector<uint8_t> bytes(300);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  for (size_t from = 0; from < 9; ++from) {
    for (size_t count = 0; from + count <= bytes.size(); ++count) {
      const auto state = static_cast<uint32_t>(random());
      ASSERT_EQ(internal::Crc32cInstruction(state, bytes.data() + from, count),
                internal::Crc32cTable(state, bytes.data() + from, count));
    }
  }
}

}  // namespace
}  // namespace apogee
