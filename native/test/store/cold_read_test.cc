#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "store/read_ahead.h"
#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::FaultyStoreIo;
using test::ReadMessage;

constexpr int kMessages = 160;
constexpr size_t kBodyBytes = 64 * 1024;

// A queue of 10 MiB, so that its beginning is not what was written a moment ago.
class ColdReadTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override {
    options.segment_bytes = 16 << 20;
    io = &faulty_;
    Open();
    for (int i = 0; i < kMessages; ++i) Put("T", 0, std::string(kBodyBytes, 'a' + i % 26));
    AwaitDispatched();
  }
  void TearDown() override { Drop(); }

  PullRequest Cold(int64_t from) {
    PullRequest request = From("T", 0, from);
    request.may_wait_for_disk = false;
    return request;
  }

  FaultyStoreIo faulty_{PosixStoreIo()};
};

TEST_F(ColdReadTest, WhatIsInMemoryIsPulledAtOnce) {
  const PullResult pulled = Pull(Cold(0));
  EXPECT_EQ(pulled.status, PullStatus::kFound);
  EXPECT_GT(pulled.count, 1);
}

TEST_F(ColdReadTest, WhatIsNotInMemoryIsPulledOnlyByWhoMayWait) {
  faulty_.SetPagedOut(true);
  const PullResult cold = Pull(Cold(0));
  EXPECT_EQ(cold.status, PullStatus::kNotInMemory);
  EXPECT_EQ(cold.count, 0);
  EXPECT_EQ(cold.next_begin.value, 0);
  EXPECT_EQ(Pull(From("T", 0, 0)).status, PullStatus::kFound);
}

TEST_F(ColdReadTest, TheNewestMessagesCountAsInMemory) {
  faulty_.SetPagedOut(true);
  const PullResult pulled = Pull(Cold(kMessages - 2));
  EXPECT_EQ(pulled.status, PullStatus::kFound);
  EXPECT_EQ(pulled.count, 2);
}

TEST_F(ColdReadTest, ReadAheadTellsItsTicketsWhenTheyAreDone) {
  ASSERT_TRUE(store->ReadAhead(7, From("T", 0, 0)));
  EXPECT_EQ(AwaitReadAhead(), 7u);
  ASSERT_TRUE(store->ReadRecordAhead(8, PhysicalOffset{0}));
  EXPECT_EQ(AwaitReadAhead(), 8u);
  ASSERT_TRUE(store->QueryAhead(9, "T", "key", 32, 0, clock.NowMs()));
  EXPECT_EQ(AwaitReadAhead(), 9u);
}

TEST_F(ColdReadTest, AfterCloseNothingIsReadAhead) {
  Close();
  EXPECT_FALSE(store->ReadAhead(1, From("T", 0, 0)));
}

TEST_F(ColdReadTest, FarBehindTheEndTheLimitsOfTheDiskHold) {
  PullRequest request = From("T", 0, 0, 32);
  request.max_bytes = 4 << 20;
  request.memory_window_bytes = 1 << 20;
  std::vector<uint8_t> into(4 << 20);
  EXPECT_EQ(store->Pull(request, into).count, 1) << "64 KiB are one message of this size";
  request.max_bytes_on_disk = 4 << 20;
  EXPECT_EQ(store->Pull(request, into).count, 8);
  request.max_count_on_disk = 5;
  EXPECT_EQ(store->Pull(request, into).count, 5);
  request.from = {kMessages - 14};
  EXPECT_EQ(store->Pull(request, into).count, 14) << "those are within the window";
}

TEST(ReadAheadTest, MoreThanItHoldsIsRefusedAndStopDropsWhatWaits) {
  std::mutex mutex;
  std::condition_variable changed;
  bool go = false;
  std::atomic<int> ran = 0;
  const auto wait = [&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return go; });
    ++ran;
  };
  ReadAhead reads(nullptr);
  uint32_t ticket = 0;
  while (reads.Submit(ticket, wait)) ASSERT_LT(++ticket, 2 * ReadAhead::kMostWaiting);
  EXPECT_GE(ticket, ReadAhead::kMostWaiting);
  EXPECT_LE(ticket, ReadAhead::kMostWaiting + ReadAhead::kThreads);
  std::thread stopper([&] { reads.Stop(); });
  while (reads.Submit(0, [] {})) std::this_thread::yield();
  {
    const std::lock_guard lock(mutex);
    go = true;
  }
  changed.notify_all();
  stopper.join();
  EXPECT_LE(ran.load(), static_cast<int>(ReadAhead::kMostWaiting + ReadAhead::kThreads));
  EXPECT_FALSE(reads.Submit(1, wait));
}

}  // namespace
}  // namespace apogee
