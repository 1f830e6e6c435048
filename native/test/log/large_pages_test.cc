#include "log/large_pages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>

namespace apogee {
namespace {

constexpr size_t kPart = MirroredMemory::kLargePageBytes;

// Bytes of memory files that this process sees through large pages.
int64_t LargeBytes() {
  std::ifstream maps("/proc/self/smaps");
  int64_t bytes = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.rfind("ShmemPmdMapped:", 0) == 0) bytes += std::stoll(line.substr(15)) * 1024;
  }
  return bytes;
}

class LargePagesTest : public testing::Test {
 protected:
  void Map(size_t parts) {
    const Status mapped = MirroredMemory::Map(parts * kPart, &memory_);
    ASSERT_TRUE(mapped.ok()) << mapped.ToString();
    pages_.Begin(*memory_);
  }
  int StepsAt(int64_t appended) {
    int steps = 0;
    while (pages_.Step(appended)) ++steps;
    return steps;
  }

  std::unique_ptr<MirroredMemory> memory_;
  LargePages pages_;
};

TEST_F(LargePagesTest, AreMadeInFrontOfTheAppenderOnlyAndOnce) {
  Map(16);
  const int64_t before = LargeBytes();
  const int first = StepsAt(0);
  if (first == 0) GTEST_SKIP() << "this system makes no large pages of memory in use";
  EXPECT_EQ(first, 8);
  EXPECT_GE(LargeBytes() - before, static_cast<int64_t>(8 * kPart));
  EXPECT_EQ(StepsAt(0), 0);
  EXPECT_EQ(StepsAt(3 * kPart), 3);
  EXPECT_EQ(StepsAt(15 * kPart), 1);  // all that was left but those behind
  EXPECT_EQ(StepsAt(23 * kPart), 4);
  EXPECT_EQ(StepsAt(100 * kPart), 0);
}

TEST_F(LargePagesTest, KeepWhatStandsThereInBothCopies) {
  Map(2);
  std::memset(memory_->data(), 7, memory_->size());
  StepsAt(0);
  StepsAt(kPart);
  for (size_t at = 0; at < 2 * memory_->size(); at += 4096) ASSERT_EQ(memory_->data()[at], 7) << at;
  memory_->data()[kPart] = 9;
  EXPECT_EQ(memory_->data()[memory_->size() + kPart], 9);
}

TEST_F(LargePagesTest, ThePartThatIsWrittenIsLeftAlone) {
  Map(1);
  EXPECT_EQ(StepsAt(0), 0);
}

TEST_F(LargePagesTest, ARingSmallerThanOneHasNone) {
  ASSERT_TRUE(MirroredMemory::Map(65536, &memory_).ok());
  pages_.Begin(*memory_);
  EXPECT_EQ(StepsAt(0), 0);
}

}  // namespace
}  // namespace apogee
