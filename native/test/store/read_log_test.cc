// The log as raw bytes, for who keeps a copy of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "test/support/faulty_store_io.h"
#include "test/support/store_ways.h"

namespace apogee {
namespace {

using test::Body;
using test::IoCall;
using test::StoreWith;
using test::Way;

constexpr size_t kStepBytes = 1000;

// What one ReadLog of at most `bytes` copies.
std::string ReadSome(const StoreWith& store, PhysicalOffset from, size_t bytes = kStepBytes) {
  std::string into(bytes, '?');
  size_t count = 0;
  const Status read =
      store.store->ReadLog(from, {reinterpret_cast<uint8_t*>(into.data()), into.size()}, &count);
  EXPECT_TRUE(read.ok()) << read.ToString();
  into.resize(count);
  return into;
}

// Goes on with a copy that begins at `from` as far as it can.
void Follow(const StoreWith& store, PhysicalOffset from, std::string* copy) {
  for (;;) {
    const PhysicalOffset at = from + static_cast<int64_t>(copy->size());
    const std::string some = ReadSome(store, at);
    if (some.empty()) return;
    const int64_t segment = at.value / store.options.segment_bytes;
    const int64_t last = at.value + static_cast<int64_t>(some.size()) - 1;
    ASSERT_EQ(last / store.options.segment_bytes, segment);
    *copy += some;
  }
}

StatusCode Refusal(const StoreWith& store, int64_t from) {
  uint8_t byte = 0;
  size_t count = 1;
  const Status read = store.store->ReadLog({from}, {&byte, 1}, &count);
  EXPECT_EQ(count, 0u);
  return read.code();
}

void TruncateBefore(StoreWith& store, int64_t offset) {
  uint64_t ticket = 0;
  const auto kind = RetentionRequest::Kind::kTruncateBefore;
  const Status asked = store.store->RequestRetention({.kind = kind, .offset = {offset}}, &ticket);
  ASSERT_TRUE(asked.ok()) << asked.ToString();
  bool done = false;
  store.Await([&] {
    for (const RetentionResult& result : store.store->TakeRetentionResults()) {
      done = done || result.ticket == ticket;
    }
    return done;
  });
}

// The call in which what was appended becomes what may be copied.
IoCall LastCall(const Way& way) {
  if (way.path == WritePath::kMapped) return IoCall::kMappingSync;
  return way.mode == FlushMode::kSync && !way.direct_io ? IoCall::kSync : IoCall::kWrite;
}

class ReadLogTest : public testing::TestWithParam<Way> {};

INSTANTIATE_TEST_SUITE_P(Ways, ReadLogTest, testing::ValuesIn(test::kWays),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(ReadLogTest, TheCopyIsWhatStandsInTheFilesAcrossManyRolls) {
  StoreWith store(GetParam());
  store.Open();
  WriteMuch(store);
  store.Flush();
  EXPECT_EQ(store.store->replicable_end(), store.store->watermarks().appended);
  std::string copy;
  Follow(store, {0}, &copy);
  EXPECT_EQ(static_cast<int64_t>(copy.size()), store.store->replicable_end().value);
  EXPECT_GT(copy.size(), 10u * store.options.segment_bytes);
  EXPECT_TRUE(copy == store.LogBytes().substr(0, copy.size()));
  store.Close();
  store.Open();
  std::string again;
  Follow(store, {0}, &again);
  EXPECT_TRUE(again == copy);
}

TEST_P(ReadLogTest, ACopyThatFollowsEachAppendGetsTheSameBytes) {
  StoreWith store(GetParam());
  store.Open();
  std::string copy;
  for (int i = 0; i < 150; ++i) {
    store.Put("T", 0, Body(i, 10 + i * 37 % 3000));
    if (i % 7 == 0) store.Flush();
    Follow(store, {0}, &copy);
    EXPECT_LE(static_cast<int64_t>(copy.size()), store.store->replicable_end().value);
  }
  store.Flush();
  Follow(store, {0}, &copy);
  EXPECT_EQ(static_cast<int64_t>(copy.size()), store.store->watermarks().appended.value);
  EXPECT_TRUE(copy == store.LogBytes().substr(0, copy.size()));
}

TEST_P(ReadLogTest, ThreadsReadBesideTheAppender) {
  constexpr int kMessages = 600;
  StoreWith store(GetParam());
  store.Open();
  std::atomic<bool> done{false};
  std::string copies[2];
  const auto follow = [&](std::string* copy) {
    while (!done) {
      Follow(store, {0}, copy);
      std::this_thread::yield();
    }
  };
  std::thread first(follow, &copies[0]);
  std::thread second(follow, &copies[1]);
  for (int i = 0; i < kMessages; ++i) {
    store.Put("T", 0, Body(i, i % 1500));
    if (i % 16 == 0) store.store->RequestFlush(store.store->watermarks().appended);
  }
  store.Flush();
  done = true;
  first.join();
  second.join();
  for (std::string& copy : copies) {
    Follow(store, {0}, &copy);
    EXPECT_EQ(static_cast<int64_t>(copy.size()), store.store->watermarks().appended.value);
    EXPECT_TRUE(copy == store.LogBytes().substr(0, copy.size()));
  }
}

TEST_P(ReadLogTest, BehindTheReplicableEndNothingCanBeRead) {
  test::FaultyStoreIo faulty(PosixStoreIo());
  StoreWith store(GetParam(), &faulty);
  store.options.segment_bytes = 1 << 20;
  store.options.consume_queue_flush_interval_ms = 60000;
  store.Open();
  const PhysicalOffset before = store.PutFlushed("before");
  store.AwaitDispatched();
  const bool at_once =
      GetParam().path == WritePath::kMapped && GetParam().mode == FlushMode::kAsync;
  faulty.Hold(LastCall(GetParam()));
  for (int i = 0; i < 10; ++i) store.Put("T", 0, Body(i, 3000));  // half of the ring
  const PhysicalOffset appended = store.store->watermarks().appended;
  store.store->RequestFlush(appended);
  faulty.WaitUntilHeld(LastCall(GetParam()));
  const PhysicalOffset end = at_once ? appended : before;
  EXPECT_EQ(store.store->replicable_end(), end);
  std::string copy;
  Follow(store, {0}, &copy);
  EXPECT_EQ(static_cast<int64_t>(copy.size()), end.value);
  EXPECT_EQ(ReadSome(store, end), "");
  EXPECT_EQ(Refusal(store, end.value + 1), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal(store, INT64_MAX), StatusCode::kInvalidArgument);
  faulty.Release(LastCall(GetParam()));
  store.Flush();
  Follow(store, {0}, &copy);
  EXPECT_EQ(static_cast<int64_t>(copy.size()), appended.value);
  EXPECT_TRUE(copy == store.LogBytes().substr(0, copy.size()));
  store.Close();
}

TEST_P(ReadLogTest, BelowTheFirstByteThereIsNothing) {
  StoreWith store(GetParam());
  store.options.consume_queue_flush_interval_ms = 1;
  store.Open();
  EXPECT_EQ(ReadSome(store, {0}), "") << "of an empty log";
  EXPECT_EQ(Refusal(store, 1), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal(store, -1), StatusCode::kNotFound);
  WriteMuch(store);
  store.Flush();
  store.AwaitDispatched();
  const int64_t min = 3 * store.options.segment_bytes;
  store.Await([&] {
    TruncateBefore(store, min);
    return store.store->min_physical_offset().value == min;
  });
  EXPECT_EQ(Refusal(store, 0), StatusCode::kNotFound);
  EXPECT_EQ(Refusal(store, min - 1), StatusCode::kNotFound);
  std::string copy;
  Follow(store, {min}, &copy);
  EXPECT_EQ(min + static_cast<int64_t>(copy.size()), store.store->replicable_end().value);
  EXPECT_TRUE(copy == store.LogBytes().substr(0, copy.size()));
}

// Removed segments become new ones meanwhile, whose bytes are others.
TEST_P(ReadLogTest, SegmentsThatGoMeanwhileAreReadWholeOrNotAtAll) {
  constexpr int kRounds = 4;
  StoreWith store(GetParam());
  store.options.consume_queue_flush_interval_ms = 1;
  store.Open();
  WriteMuch(store);
  store.Flush();
  std::string log;
  Follow(store, {0}, &log);
  const auto end = static_cast<int64_t>(log.size());
  std::atomic<bool> done{false};
  const auto read = [&](size_t step) {
    std::vector<uint8_t> into(step);
    while (!done) {
      const int64_t min = store.store->min_physical_offset().value;
      for (int64_t from = min; from < end && !done;) {
        size_t count = 0;
        const Status some = store.store->ReadLog({from}, into, &count);
        if (some.code() == StatusCode::kNotFound) break;
        ASSERT_TRUE(some.ok()) << some.ToString();
        const size_t known = std::min(count, log.size() - static_cast<size_t>(from));
        ASSERT_GT(count, 0u);
        ASSERT_EQ(log.compare(from, known, reinterpret_cast<const char*>(into.data()), known), 0);
        from += static_cast<int64_t>(count);
      }
      std::this_thread::yield();
    }
  };
  std::thread first(read, 1000);
  std::thread second(read, 64 * 1024);
  for (int round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < 12; ++i) store.Put("T", 0, Body(i, 3000));
    store.Flush();
    store.AwaitDispatched();
    const int64_t offset = 3 * round * int64_t{store.options.segment_bytes};
    store.Await([&] {
      TruncateBefore(store, offset);
      return store.store->min_physical_offset().value >= offset;
    });
  }
  done = true;
  first.join();
  second.join();
}

TEST_P(ReadLogTest, ReadingAheadTellsItsTicketWhateverIsThere) {
  StoreWith store(GetParam());
  store.Open();
  WriteMuch(store);
  store.Flush();
  const int64_t end = store.store->replicable_end().value;
  uint32_t ticket = 1;
  for (const int64_t from : {int64_t{-1}, int64_t{0}, end - 1, end, end + 1, INT64_MAX}) {
    for (const size_t bytes : {size_t{0}, kStepBytes, SIZE_MAX}) {
      ASSERT_TRUE(store.store->ReadLogAhead(ticket, {from}, bytes));
      EXPECT_EQ(store.AwaitReadAhead(), ticket++);
    }
  }
  store.Close();
  EXPECT_FALSE(store.store->ReadLogAhead(ticket, {0}, kStepBytes));
}

TEST(ReadLogUnderSyncTest, WhatAFailedSyncDidNotKeepIsNeverCopied) {
  for (const Way& way : test::kWays) {
    if (way.mode != FlushMode::kSync) continue;
    SCOPED_TRACE(way.name);
    test::FaultyStoreIo faulty(PosixStoreIo());
    StoreWith store(way, &faulty);
    store.options.segment_bytes = 1 << 20;
    store.options.consume_queue_flush_interval_ms = 60000;
    store.Open();
    const PhysicalOffset good = store.PutFlushed("good");
    faulty.FailAll(LastCall(way), EIO);
    store.PutFlushed("lost");
    store.Await([&] { return !store.store->failure().ok(); });
    EXPECT_EQ(store.store->replicable_end(), good);
    EXPECT_EQ(ReadSome(store, good), "");
    EXPECT_EQ(Refusal(store, good.value + 1), StatusCode::kInvalidArgument);
    std::string copy;
    Follow(store, {0}, &copy);
    EXPECT_EQ(static_cast<int64_t>(copy.size()), good.value);
    store.Drop();
  }
}

}  // namespace
}  // namespace apogee
