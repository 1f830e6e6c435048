// What holds for every way in which records get into the log.

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "test/support/faulty_store_io.h"
#include "test/support/store_ways.h"

namespace apogee {
namespace {

using test::Body;
using test::IoCall;
using test::StoreWith;
using test::Way;

class WritePathTest : public testing::TestWithParam<Way> {};

INSTANTIATE_TEST_SUITE_P(Ways, WritePathTest, testing::ValuesIn(test::kWays),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(WritePathTest, TheBytesInTheLogAreTheSame) {
  StoreWith mapped(test::kWays[0]);
  StoreWith other(GetParam());
  for (StoreWith* store : {&mapped, &other}) {
    store->Open();
    WriteMuch(*store);
    store->AwaitDispatched();
    EXPECT_EQ(store->ReadAll("T", 1).size(), 120u + 30 * 5);
    store->Close();
  }
  ASSERT_EQ(mapped.Segments(), other.Segments());
  EXPECT_GT(mapped.Segments().size(), 10u);
  for (const std::string& name : mapped.Segments()) {
    EXPECT_TRUE(test::ReadFile(mapped.options.root + "/commitlog/" + name) ==
                test::ReadFile(other.options.root + "/commitlog/" + name))
        << name;
  }
}

TEST_P(WritePathTest, AnOrderlyStopLosesNothingAndTheNextRunGoesOn) {
  StoreWith store(GetParam());
  int written = 0;
  for (int run = 0; run < 5; ++run) {
    store.Open();
    EXPECT_TRUE(store.store->recovery().clean);
    for (int i = 0; i < 40; ++i) store.Put("T", 0, Body(written++, 700));
    store.Close();
    EXPECT_EQ(store.store->watermarks().flushed, store.store->watermarks().appended);
  }
  store.Open();
  const auto messages = store.ReadAll("T", 0);
  ASSERT_EQ(messages.size(), static_cast<size_t>(written));
  for (int i = 0; i < written; ++i) EXPECT_EQ(messages[i].body, Body(i, 700));
}

TEST_P(WritePathTest, AKillLosesOnlyASuffixAndNothingThatWasFlushed) {
  StoreWith store(GetParam());
  store.Open();
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 15; ++i) store.Put("T", 0, Body(round * 100 + i, 900));
    const PhysicalOffset flushed = store.PutFlushed(Body(round * 100 + 15, 900));
    for (int i = 16; i < 30; ++i) store.Put("T", 0, Body(round * 100 + i, 900));
    StoreWith killed(GetParam());
    test::CopyStore(store.options.root, killed.options.root);
    killed.Open();
    EXPECT_FALSE(killed.store->recovery().clean);
    EXPECT_GE(killed.store->recovery().end, flushed);
    killed.AwaitDispatched();
    const auto all = store.ReadAll("T", 0);
    const auto kept = killed.ReadAll("T", 0);
    EXPECT_GE(kept.size(), static_cast<size_t>(round * 30 + 16));
    for (size_t i = 0; i < std::min(all.size(), kept.size()); ++i) {
      ASSERT_EQ(kept[i].body, all[i].body) << i;
    }
    const AppendResult next = killed.Put("T", 0, "next");
    EXPECT_EQ(next.queue_offset.value, static_cast<int64_t>(kept.size()));
    killed.Close();
  }
}

TEST_P(WritePathTest, BehindTheLastRecordStandZeros) {
  StoreWith store(GetParam());
  store.Open();
  for (int i = 0; i < 60; ++i) {
    const PhysicalOffset end = store.PutFlushed(Body(i, 40 + i * 37));
    const std::string path =
        store.options.root + "/commitlog/" + SegmentName(end.value - end.value % (32 * 1024));
    const std::string bytes = test::ReadFile(path).substr(end.value % (32 * 1024));
    EXPECT_EQ(bytes.find_first_not_of('\0'), std::string::npos) << i;
  }
}

TEST_P(WritePathTest, AFailedWriteOrSyncIsStickyAndShowsNothingItDidNotKeep) {
  const bool mapped = GetParam().path == WritePath::kMapped;
  const bool synced_by_writes = GetParam().direct_io && GetParam().mode == FlushMode::kSync;
  for (const IoCall call : {IoCall::kWrite, IoCall::kSync, IoCall::kMappingSync}) {
    const bool concerned =
        mapped ? call == IoCall::kMappingSync
               : call == IoCall::kWrite || (call == IoCall::kSync && !synced_by_writes);
    if (!concerned) continue;
    test::FaultyStoreIo faulty(PosixStoreIo());
    StoreWith store(GetParam(), &faulty);
    store.options.consume_queue_flush_interval_ms = 60000;
    store.options.recycle_segments = false;
    store.options.flush.interval_ms = 60000;
    store.options.flush.commit_interval_ms = 60000;
    store.Open();
    const PhysicalOffset good = store.PutFlushed("good");
    // The preparer writes and syncs as well, and its failures are nobody else's.
    faulty.FailAll(call, EIO);
    store.PutFlushed("lost");
    faulty.Pass(call);
    store.Await([&] { return !store.store->failure().ok(); });
    EXPECT_EQ(store.store->failure().error_number(), EIO);
    EXPECT_EQ(store.store->watermarks().flushed, good);
    EXPECT_EQ(store.Append(store.Request("T", 0, "late")).status, StatusCode::kReadOnly);
    EXPECT_FALSE(store.store->Close().ok());
    store.Drop();
    store.Open();
    EXPECT_GE(store.ReadAll("T", 0).size(), 1u);
    store.Drop();
  }
}

TEST_P(WritePathTest, AFullDiskRefusesAndLosesNothing) {
  test::FaultyStoreIo faulty(PosixStoreIo());
  StoreWith store(GetParam(), &faulty);
  store.options.consume_queue_file_bytes = 20 * 1000;
  store.options.index_enabled = false;
  store.Open();
  store.Put("T", 0, Body(0, 3000));
  store.AwaitDispatched();
  faulty.FailAll(IoCall::kReserve, ENOSPC);
  int taken = 1;
  AppendResult result;
  do {
    result = store.Append(store.Request("T", 0, Body(taken, 3000)));
    if (result.status == StatusCode::kOk) ++taken;
  } while (result.status == StatusCode::kOk && taken < 100);
  EXPECT_EQ(result.status, StatusCode::kNoSpace);
  EXPECT_TRUE(store.store->failure().ok());
  faulty.Pass(IoCall::kReserve);
  for (int i = 0; i < 20; ++i) store.Put("T", 0, Body(taken++, 3000));
  store.AwaitDispatched();
  const auto messages = store.ReadAll("T", 0);
  ASSERT_EQ(messages.size(), static_cast<size_t>(taken));
  for (int i = 0; i < taken; ++i) EXPECT_EQ(messages[i].body, Body(i, 3000));
  store.Close();
}

TEST(StagedStoreTest, AFullRingIsBusyAndPasses) {
  test::FaultyStoreIo faulty(PosixStoreIo());
  StoreWith store({"", FlushMode::kAsync, WritePath::kPool}, &faulty);
  store.options.segment_bytes = 1 << 20;
  store.options.flush.interval_ms = 60000;
  store.Open();
  store.Put("T", 0, "first");
  store.AwaitDispatched();
  faulty.Hold(IoCall::kWrite);
  int taken = 1;
  while (store.Append(store.Request("T", 0, Body(taken, 1000))).status == StatusCode::kOk) ++taken;
  EXPECT_EQ(store.Append(store.Request("T", 0, "x")).status, StatusCode::kOk);  // the rest of it
  ++taken;
  AppendResult last;
  do {
    last = store.Append(store.Request("T", 0, "x"));
    if (last.status == StatusCode::kOk) ++taken;
  } while (last.status == StatusCode::kOk);
  EXPECT_EQ(last.status, StatusCode::kBusy);
  EXPECT_GT(taken, 55);
  faulty.Release(IoCall::kWrite);
  store.Await(
      [&] { return store.store->watermarks().committed == store.store->watermarks().appended; });
  store.Put("T", 0, "again");
  store.AwaitDispatched();
  EXPECT_EQ(store.ReadAll("T", 0).size(), static_cast<size_t>(taken) + 1);
  store.Close();
}

TEST(StagedStoreTest, ABatchOverTheRingIsTooLarge) {
  StoreWith store({"", FlushMode::kSync, WritePath::kStaged});
  store.options.segment_bytes = 1 << 20;
  store.Open();
  EXPECT_EQ(store.Append(store.Request("T", 0, Body(0, 65536))).status, StatusCode::kTooLarge);
  store.PutFlushed(Body(0, 61000));
  store.PutFlushed(Body(1, 61000));
}

TEST(StagedStoreTest, ThePoolNeedsAsyncFlush) {
  StoreWith store({"", FlushMode::kSync, WritePath::kPool});
  EXPECT_EQ(store.TryOpen().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(store.options.root));
}

TEST(StagedStoreTest, WhatIsNotOnTheDeviceCannotBeReadUnderSync) {
  for (const WritePath path : {WritePath::kMapped, WritePath::kStaged}) {
    const IoCall sync = path == WritePath::kMapped ? IoCall::kMappingSync : IoCall::kSync;
    test::FaultyStoreIo faulty(PosixStoreIo());
    StoreWith store({"", FlushMode::kSync, path}, &faulty);
    store.options.consume_queue_flush_interval_ms = 60000;
    store.Open();
    store.PutFlushed("first");
    store.AwaitDispatched();
    faulty.Hold(sync);
    const AppendResult second = store.Put("T", 0, "second");  // nobody asks for its sync
    faulty.WaitUntilHeld(sync);
    std::vector<uint8_t> record;
    EXPECT_EQ(store.store->ReadRecord(second.physical_offset, &record).code(),
              StatusCode::kNotFound);
    EXPECT_EQ(store.ReadAll("T", 0).size(), 1u);
    faulty.Release(sync);
    store.AwaitDispatched();
    EXPECT_EQ(store.ReadAll("T", 0).size(), 2u);
    store.Close();
  }
}

TEST(StagedStoreTest, DirectIoThatCannotBeHadIsANote) {
  StoreWith store({"", FlushMode::kSync, WritePath::kStaged, true});
  store.options.segment_bytes = 32 * 1024 + 512;
  store.Open();
  ASSERT_EQ(store.store->recovery().notes.size(), 1u);
  EXPECT_NE(store.store->recovery().notes[0].find("direct I/O"), std::string::npos);
  store.PutFlushed("x");
  store.Close();
}

}  // namespace
}  // namespace apogee
