#include "log/large_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "test/support/system_abilities.h"

namespace apogee {
namespace {

using test::LargeBytes;

constexpr size_t kPart = MirroredMemory::kLargePageBytes;

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
  if (!test::SystemMakesLargePages()) GTEST_SKIP() << "this system makes none of memory in use";
  Map(16);
  const int64_t before = LargeBytes();
  EXPECT_EQ(StepsAt(0), 8);
  EXPECT_GE(LargeBytes() - before, static_cast<int64_t>(8 * kPart));
  EXPECT_EQ(StepsAt(0), 0);
  EXPECT_EQ(StepsAt(3 * kPart), 3);
  EXPECT_EQ(StepsAt(15 * kPart), 1);  // all that was left but those behind
  EXPECT_EQ(StepsAt(23 * kPart), 3);  // and one more, behind which there is nothing to do
  EXPECT_EQ(LargeBytes() - before, static_cast<int64_t>(16 * kPart));
  EXPECT_EQ(StepsAt(100 * kPart), 0);
}

// A page that is in a pipe cannot be moved.
TEST_F(LargePagesTest, APartThatIsHeldIsMadeInALaterRoundAndHoldsUpNoOther) {
  if (!test::SystemMakesLargePages()) GTEST_SKIP() << "this system makes none of memory in use";
  Map(16);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  memory_->data()[kPart] = 1;
  const iovec page{memory_->data() + kPart, 4096};
  ASSERT_EQ(::vmsplice(pipe[1], &page, 1, 0), 4096);
  const auto round = [&](int64_t begin) {
    for (int64_t part = begin; part < begin + 16; ++part) StepsAt(part * int64_t{kPart});
  };
  round(0);
  EXPECT_EQ(LargeBytes(), static_cast<int64_t>(15 * kPart));
  ::close(pipe[0]);
  ::close(pipe[1]);
  round(16);
  EXPECT_EQ(LargeBytes(), static_cast<int64_t>(16 * kPart));
}

TEST_F(LargePagesTest, AfterManyFailuresInARowNoneIsTriedAnyMore) {
  // Memory that cannot be collapsed: mapped for reading only.
  Map(64);
  ASSERT_EQ(::mprotect(memory_->data(), memory_->size(), PROT_READ), 0);
  int steps = 0;
  for (int64_t part = 0; part < 64; part += 8) steps += StepsAt(part * int64_t{kPart});
  EXPECT_EQ(steps, 15);
  ASSERT_EQ(::mprotect(memory_->data(), memory_->size(), PROT_READ | PROT_WRITE), 0);
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

TEST_F(LargePagesTest, TheMemoryBeginsWhereALargePageCan) {
  Map(2);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory_->data()) % kPart, 0u);
}

TEST_F(LargePagesTest, ARingSmallerThanOneHasNone) {
  ASSERT_TRUE(MirroredMemory::Map(65536, &memory_).ok());
  pages_.Begin(*memory_);
  EXPECT_EQ(StepsAt(0), 0);
}

}  // namespace
}  // namespace apogee
