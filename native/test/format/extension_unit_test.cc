#include "format/extension_unit.h"

#include <gtest/gtest.h>

#include <vector>

namespace apogee {
namespace {

TEST(ExtensionUnitTest, HasJavasBytes) {
  const uint8_t bit_map[] = {0xAB, 0xCD};
  const ExtensionUnit unit{-2, 0x0102030405060708, bit_map};
  std::vector<uint8_t> bytes(unit.size_bytes());
  EncodeExtensionUnit(unit, bytes.data());
  EXPECT_EQ(bytes,
            (std::vector<uint8_t>{0, 22, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 1,
                                  2, 3,  4,    5,    6,    7,    8,    0,    2,    0xAB, 0xCD}));
  ExtensionUnit read;
  ASSERT_TRUE(DecodeExtensionUnit(bytes, &read));
  EXPECT_EQ(read.tag_code, -2);
  EXPECT_EQ(read.store_time_ms, 0x0102030405060708);
  EXPECT_EQ(std::vector<uint8_t>(read.bit_map.begin(), read.bit_map.end()),
            (std::vector<uint8_t>{0xAB, 0xCD}));
}

TEST(ExtensionUnitTest, NoUnitIsFoundInBytesThatAreNone) {
  std::vector<uint8_t> bytes(kExtensionUnitBytes);
  ExtensionUnit unit;
  EXPECT_FALSE(DecodeExtensionUnit(bytes, &unit)) << "nothing written";
  EncodeExtensionUnit({1, 2, {}}, bytes.data());
  EXPECT_TRUE(DecodeExtensionUnit(bytes, &unit));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeExtensionUnit(std::span(bytes).first(cut), &unit)) << cut;
  }
  bytes[19] = 1;
  EXPECT_FALSE(DecodeExtensionUnit(bytes, &unit)) << "sizes that disagree";
  EncodeExtensionEnd(bytes.data());
  EXPECT_FALSE(DecodeExtensionUnit(bytes, &unit)) << "the end of a file";
  bytes.assign(kExtensionUnitBytes + 4, 0);
  bytes[1] = kExtensionUnitBytes + 5;
  bytes[19] = 5;
  EXPECT_FALSE(DecodeExtensionUnit(bytes, &unit)) << "a bit map that the file has not";
}

TEST(ExtensionUnitTest, AddressesAreWhatJavaMakesThem) {
  EXPECT_EQ(ExtensionAddressOf(0), INT64_MIN);
  EXPECT_EQ(ExtensionAddressOf(42), INT64_MIN + 42);
  EXPECT_EQ(ExtensionOffsetOf(INT64_MIN + 42), 42);
  // Integer.MIN_VALUE - 1: below every hash code.
  EXPECT_EQ(ExtensionAddressOf(kMaxExtensionOffset), int64_t{INT32_MIN} - 1);
  EXPECT_TRUE(IsExtensionAddress(int64_t{INT32_MIN} - 1));
  EXPECT_FALSE(IsExtensionAddress(INT32_MIN));
  EXPECT_FALSE(IsExtensionAddress(0));
  EXPECT_FALSE(IsExtensionAddress(INT64_MAX));
}

}  // namespace
}  // namespace apogee
