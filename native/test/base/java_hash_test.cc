#include "base/java_hash.h"

#include <gtest/gtest.h>

namespace apogee {
namespace {

TEST(JavaHashTest, MatchesJavaForAscii) {
  EXPECT_EQ(JavaHashCode(""), 0);
  EXPECT_EQ(JavaHashCode("TagA"), 2598919);
  EXPECT_EQ(JavaHashCode("hello"), 99162322);
}

TEST(JavaHashTest, WrapsLikeJava) {
  EXPECT_EQ(JavaHashCode("polygenelubricants"), INT32_MIN);
  EXPECT_EQ(int64_t{JavaHashCode("polygenelubricants")}, -2147483648LL);
}

TEST(JavaHashTest, HashesUtf16Units) {
  EXPECT_EQ(JavaHashCode("\xC3\xA9"), 0xE9);                          // U+00E9
  EXPECT_EQ(JavaHashCode("\xE4\xBD\xA0"), 0x4F60);                    // U+4F60
  EXPECT_EQ(JavaHashCode("\xF0\x9F\x98\x80"), 31 * 0xD83D + 0xDE00);  // U+1F600 as a surrogate pair
}

TEST(JavaHashTest, MalformedBytesCountAsReplacementCharacters) {
  EXPECT_EQ(JavaHashCode("\xFF"), 0xFFFD);
  EXPECT_EQ(JavaHashCode("\x80"), 0xFFFD);
  EXPECT_EQ(JavaHashCode("\xE4\xBD"), 0xFFFD);  // cut short: one ill-formed part
  EXPECT_EQ(JavaHashCode("\xC3"
                         "A"),
            31 * 0xFFFD + 'A');                               // not a continuation
  EXPECT_EQ(JavaHashCode("\xC0\x80"), 31 * 0xFFFD + 0xFFFD);  // overlong
  EXPECT_EQ(JavaHashCode("\xED\xA0\x80"), (31 * 0xFFFD + 0xFFFD) * 31 + 0xFFFD);  // surrogate
}

}  // namespace
}  // namespace apogee
