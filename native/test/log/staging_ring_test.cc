#include "log/staging_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
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

TEST(StagingRingTest, ReserveWaitsForAPinAndGoesOn) {
  std::unique_ptr<StagingRing::Pin> held;
  std::thread reader;
  StagingRing ring(60000, [&] { reader = std::thread([&] { held.reset(); }); });
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  ASSERT_TRUE(ring.Reserve(0, 32768).ok());
  held = std::make_unique<StagingRing::Pin>(ring.PinFrom(4096));
  ASSERT_TRUE(*held);
  ring.Release(32768);
  ASSERT_TRUE(ring.Reserve(32768, 32768 + 4096).ok());  // up to the pin
  EXPECT_FALSE(reader.joinable());
  ring.Release(65536 + 4096);
  ASSERT_TRUE(ring.Reserve(65536 + 4096, 1).ok());
  ASSERT_TRUE(reader.joinable());
  reader.join();
}

TEST(StagingRingTest, WhatIsPinnedIsNotOvertaken) {
  int told = 0;
  StagingRing ring(0, [&] { ++told; });
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  ASSERT_TRUE(ring.Reserve(0, 20000).ok());
  std::memset(ring.At(0), 7, 20000);
  StagingRing::Pin pin = ring.PinFrom(0);
  ASSERT_TRUE(pin);
  ring.Release(20000);
  EXPECT_EQ(ring.Reserve(20000, 45537).code(), StatusCode::kBusy);
  // That was for one byte of the pinned ones: less is free, and more when the pin is gone.
  EXPECT_TRUE(ring.Reserve(20000, 45536).ok());
  EXPECT_EQ(ring.Bytes(0, 20000)[0], 7);
  pin.MoveTo(1);
  EXPECT_TRUE(ring.Reserve(20000, 45537).ok());
  EXPECT_EQ(ring.Reserve(20000, 45538).code(), StatusCode::kBusy);
  pin = {};
  EXPECT_TRUE(ring.Reserve(20000, 45538).ok());
}

TEST(StagingRingTest, APinIsRefusedForBytesThatAreGoneOrSoonWillBe) {
  StagingRing ring(0, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(1000, {});
  EXPECT_FALSE(ring.PinFrom(999));  // never was there
  ASSERT_TRUE(ring.Reserve(1000, 40000).ok());
  EXPECT_FALSE(ring.PinFrom(1000));
  EXPECT_TRUE(ring.PinFrom(1000 + 40000 - 32768));
  ring.Release(41000);
  ASSERT_TRUE(ring.Reserve(41000, 50000).ok());
  EXPECT_FALSE(ring.PinFrom(1000 + 40000 - 32768));
  EXPECT_TRUE(ring.PinFrom(91000));
}

TEST(StagingRingTest, PinsComeToAnEnd) {
  StagingRing ring(0, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  std::vector<StagingRing::Pin> pins;
  while (StagingRing::Pin pin = ring.PinFrom(0)) pins.push_back(std::move(pin));
  EXPECT_EQ(pins.size(), 4u);
  pins.pop_back();
  EXPECT_TRUE(ring.PinFrom(0));
}

// Every byte is its offset's block. Readers check all that they could pin.
TEST(StagingRingTest, ReadersSeeWhatWasWrittenWhileTheAppenderGoesRound) {
  constexpr uint32_t kBlock = 1000;
  constexpr int64_t kEnd = int64_t{64} << 20;
  StagingRing ring(60000, nullptr);
  ASSERT_TRUE(ring.Open(65536).ok());
  ring.Begin(0, {});
  std::atomic<int64_t> appended{0};
  std::atomic<int64_t> pinned{0};
  std::atomic<bool> wrong{false};
  std::atomic<bool> over{false};
  const auto block = [](int64_t offset) { return static_cast<uint8_t>(offset / kBlock * 7); };
  const auto read = [&] {
    while (!over) {
      const int64_t end = appended.load(std::memory_order_acquire);
      const int64_t from = std::max<int64_t>(0, end - 20 * kBlock);
      const StagingRing::Pin pin = ring.PinFrom(from);
      if (!pin) continue;
      ++pinned;
      for (int64_t at = from; at < end; at += kBlock) {
        if (*ring.At(at) != block(at) || *ring.At(at + kBlock - 1) != block(at)) wrong = true;
      }
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (int64_t at = 0; at < kEnd || pinned < 100; at += kBlock) {
    const Status reserved = ring.Reserve(at, kBlock);
    if (!reserved.ok()) wrong = true;
    if (wrong) break;
    std::memset(ring.At(at), block(at), kBlock);
    appended.store(at + kBlock, std::memory_order_release);
    ring.Release(at + kBlock);
  }
  over = true;
  first.join();
  second.join();
  EXPECT_FALSE(wrong);
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
