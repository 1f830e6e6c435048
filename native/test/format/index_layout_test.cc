#include "format/index_layout.h"

#include <gtest/gtest.h>

#include <vector>

namespace apogee {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(IndexLayout, HeaderHasJavasBytes) {
  Bytes bytes(kIndexHeaderBytes);
  EncodeIndexHeader({1, 2, 3, 4, 5, 6}, bytes.data());
  Bytes expected(40);
  expected[7] = 1, expected[15] = 2, expected[23] = 3, expected[31] = 4, expected[35] = 5,
  expected[39] = 6;
  EXPECT_EQ(bytes, expected);
  EXPECT_EQ(DecodeIndexHeader(bytes.data()), (IndexHeader{1, 2, 3, 4, 5, 6}));
}

TEST(IndexLayout, ItemHasJavasBytes) {
  Bytes bytes(kIndexItemBytes);
  EncodeIndexItem({0x01020304, 0x05060708090A0B0C, 0x0D0E0F10, 0x11121314}, bytes.data());
  Bytes expected(20);
  for (uint8_t i = 0; i < 20; ++i) expected[i] = i + 1;
  EXPECT_EQ(bytes, expected);
  EXPECT_EQ(DecodeIndexItem(bytes.data()),
            (IndexItem{0x01020304, 0x05060708090A0B0C, 0x0D0E0F10, 0x11121314}));
}

TEST(IndexLayout, DefaultFileIsAsLargeAsJavas) {
  EXPECT_EQ(IndexFileBytes(5000000, 20000000), 420000040u);
}

TEST(IndexLayout, HashIsJavasAbsoluteHashCode) {
  EXPECT_EQ(IndexKeyHash("TagA"), 2598919);
  EXPECT_EQ(IndexKeyHash("polygenelubricants"), 0);  // Integer.MIN_VALUE has no absolute
  EXPECT_GE(IndexKeyHash("T#another key"), 0);
  EXPECT_EQ(IndexKey("Topic", "key"), "Topic#key");
}

TEST(IndexLayout, SecondsAreClamped) {
  EXPECT_EQ(IndexSeconds(5999, 3000), 2);
  EXPECT_EQ(IndexSeconds(5000, 0), 0);
  EXPECT_EQ(IndexSeconds(1000, 5000), 0);
  EXPECT_EQ(IndexSeconds(int64_t{1} << 60, 1), 0x7FFFFFFF);
}

TEST(IndexLayout, FileNameIsLocalTimeToTheMillisecond) {
  const std::string name = IndexFileName(1700000000123);
  EXPECT_EQ(name.size(), 17u);
  EXPECT_EQ(name.substr(0, 6), "202311");
  EXPECT_EQ(name.substr(14), "123");
}

}  // namespace
}  // namespace apogee
