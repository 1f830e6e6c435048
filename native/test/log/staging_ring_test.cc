#include "log/staging_ring.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

namespace apogee {
namespace {

TEST(StagingRingTest, ARangeOverTheEndIsContiguous) {
  StagingRing ring(0, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(65536 - 10, {});
  ASSERT_TRUE(ring.Reserve(65536 - 10, 20).ok());
  std::memcpy(ring.At(65536 - 10), "0123456789abcdefghij", 20);
  EXPECT_EQ(std::memcmp(ring.At(65536), "abcdefghij", 10), 0);
  EXPECT_EQ(std::memcmp(ring.Bytes(65536 - 5, 65536 + 5).data(), "56789abcde", 10), 0);
}

TEST(StagingRingTest, TheSizeIsAPowerOfTwo) {
  StagingRing ring(0, nullptr);
  ASSERT_TRUE(ring.Open(100000).ok());
  EXPECT_EQ(ring.size(), 131072u);
  StagingRing least(0, nullptr);
  ASSERT_TRUE(least.Open(1).ok());
  EXPECT_EQ(least.size(), kLeastStagingBytes);
  EXPECT_EQ(StagingRing(0, nullptr).Open(uint64_t{1} << 40).code(), StatusCode::kInvalidArgument);
}

TEST(StagingRingTest, AFullRingIsBusyAtOnceUntilSomethingIsReleased) {
  int told = 0;
  StagingRing ring(0, [&] { ++told; });
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  ASSERT_TRUE(ring.Reserve(0, 65536).ok());
  EXPECT_EQ(ring.Reserve(65536, 1).code(), StatusCode::kBusy);
  EXPECT_EQ(ring.Reserve(65536, 1).code(), StatusCode::kBusy);
  EXPECT_EQ(told, 1);
  ring.Release(4095);  // its page is written again: nothing is free yet
  EXPECT_EQ(ring.Reserve(65536, 1).code(), StatusCode::kBusy);
  ring.Release(4096);
  EXPECT_TRUE(ring.Reserve(65536, 4096).ok());
}

TEST(StagingRingTest, ReserveWaitsForTheCommitter) {
  std::thread committer;
  StagingRing* released = nullptr;
  StagingRing ring(60000, [&] { committer = std::thread([&] { released->Release(8192); }); });
  released = &ring;
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  ASSERT_TRUE(ring.Reserve(0, 65536).ok());
  EXPECT_TRUE(ring.Reserve(65536, 8192).ok());
  committer.join();
}

TEST(StagingRingTest, AfterAFailureNobodyWaits) {
  StagingRing ring(60000, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  ASSERT_TRUE(ring.Reserve(0, 65536).ok());
  ring.Fail(Status::FromErrno(EIO, "pwrite"));
  const Status status = ring.Reserve(65536, 1);
  EXPECT_EQ(status.code(), StatusCode::kReadOnly);
  EXPECT_EQ(status.error_number(), EIO);
}

TEST(StagingRingTest, BeginKeepsTheStartOfThePage) {
  StagingRing ring(0, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  const std::vector<uint8_t> page(100, 7);
  ring.Begin(3 * 65536 + 100, page);
  EXPECT_EQ(ring.Bytes(3 * 65536, 3 * 65536 + 100)[99], 7);
}

}  // namespace
}  // namespace apogee
