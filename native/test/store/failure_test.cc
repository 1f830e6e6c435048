#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::IoCall;

class StoreFailureTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override {
    io = &faulty_;
    options.flush.mode = FlushMode::kSync;
    options.consume_queue_flush_interval_ms = 60000;
    Open();
  }
  void TearDown() override { Drop(); }  // before the StoreIo it uses

  test::FaultyStoreIo faulty_{PosixStoreIo()};
};

TEST_F(StoreFailureTest, AfterAFailedSyncTheStoreIsReadOnlyAndSaysWhy) {
  const AppendResult good = Put("T", 0, "good");
  const PhysicalOffset good_end = good.physical_offset + good.size_bytes;
  store->RequestFlush(good_end);
  Await([&] { return store->watermarks().flushed == good_end; });
  faulty_.FailAll(IoCall::kSync, EIO);  // what else syncs a file may try again
  const AppendResult lost = Put("T", 0, "lost");
  store->RequestFlush(lost.physical_offset + lost.size_bytes);
  Await([&] { return !store->failure().ok(); });
  faulty_.Pass(IoCall::kSync);
  EXPECT_EQ(store->failure().code(), StatusCode::kIoError);
  EXPECT_EQ(store->failure().error_number(), EIO);
  EXPECT_EQ(store->watermarks().flushed, good_end);
  EXPECT_EQ(Append(Request("T", 0, "refused")).status, StatusCode::kReadOnly);
  Await([&] { return store->watermarks().dispatched == good_end; });
  EXPECT_EQ(ReadAll("T", 0).size(),
            1u);  // reading goes on, and shows nothing that was not promised
  std::vector<uint8_t> record;
  EXPECT_EQ(store->ReadRecord(lost.physical_offset, &record).code(), StatusCode::kNotFound);
  EXPECT_EQ(store->Close().error_number(), EIO);
  EXPECT_TRUE(std::filesystem::exists(options.root + "/abort"));
}

TEST_F(StoreFailureTest, AFailedSyncOfAQueueKeepsTheAbortFile) {
  Put("T", 0, "x");
  AwaitDispatched();
  store->RequestFlush(store->watermarks().appended);
  Await([&] { return store->watermarks().flushed == store->watermarks().appended; });
  faulty_.Fail(IoCall::kMappingSync, 1, EIO);  // the next sync is the queue's, at close
  EXPECT_EQ(store->Close().code(), StatusCode::kIoError);
  EXPECT_EQ(store->Close().code(), StatusCode::kIoError);
  EXPECT_EQ(store->failure().code(), StatusCode::kIoError);
  EXPECT_TRUE(std::filesystem::exists(options.root + "/abort"));
  Open();
  EXPECT_FALSE(store->recovery().clean);
  EXPECT_EQ(ReadAll("T", 0).size(), 1u);
}

TEST_F(StoreFailureTest, AFullDiskRefusesTheAppendAndPasses) {
  const std::string body(3000, 'x');
  Put("T", 0, body);
  AwaitDispatched();
  faulty_.FailAll(IoCall::kReserve, ENOSPC);
  StatusCode refused = StatusCode::kOk;
  for (int i = 0; i < 20 && refused == StatusCode::kOk; ++i)
    refused = Append(Request("T", 0, body)).status;
  EXPECT_EQ(refused, StatusCode::kNoSpace);
  EXPECT_EQ(Append(Request("T", 0, body)).status, StatusCode::kNoSpace);
  EXPECT_TRUE(store->failure().ok());
  faulty_.Pass(IoCall::kReserve);
  for (int i = 0; i < 10; ++i) Put("T", 0, body);
  AwaitDispatched();
  int64_t next = 0;
  for (const test::ReadMessage& message : ReadAll("T", 0)) EXPECT_EQ(message.queue_offset, next++);
  EXPECT_GE(next, 15);
}

TEST_F(StoreFailureTest, DispatchWaitsForSpaceAndLosesNothing) {
  Put("T", 0, "first");
  AwaitDispatched();
  faulty_.Fail(IoCall::kReserve, 1, ENOSPC);
  Put("New", 0, "x", test::Properties({{"UNIQ_KEY", "u"}}));  // its queue's first file
  Put("New", 0, "y");
  AwaitDispatched();
  EXPECT_TRUE(store->failure().ok());
  EXPECT_EQ(ReadAll("New", 0).size(), 2u);
  EXPECT_EQ(store->QueryByKey("New", "u", 9, 0, INT64_MAX).offsets.size(), 1u);
  Close();
}

TEST_F(StoreFailureTest, TheDirectoryIsLockedWhileOpen) {
  test::StoreHarness other;
  other.options = options;
  EXPECT_EQ(other.TryOpen().code(), StatusCode::kLocked);
  Close();
  EXPECT_TRUE(other.TryOpen().ok());
}

TEST_F(StoreFailureTest, ADirectoryRemovedWhileOpenIsReadFromMemoryAndNamedAtTheEnd) {
  for (int i = 0; i < 5; ++i) Put("T", 0, std::string(1000, 'x'));
  AwaitDispatched();
  std::filesystem::remove_all(options.root);
  EXPECT_EQ(ReadAll("T", 0).size(), 5u);
  const Status closed = store->Close();
  EXPECT_EQ(closed.code(), StatusCode::kNotFound) << closed.ToString();
  EXPECT_NE(closed.context().find(options.root + "/abort"), std::string::npos);
}

TEST_F(StoreFailureTest, ClosingTwiceIsOnceAndThenAppendsAreRefused) {
  Put("T", 0, "x");
  Close();
  Close();
  EXPECT_EQ(Append(Request("T", 0, "late")).status, StatusCode::kClosed);
  EXPECT_FALSE(std::filesystem::exists(options.root + "/abort"));
}

TEST_F(StoreFailureTest, AnOpenThatFailsAtAnyCallLeavesAStoreThatOpens) {
  for (int i = 0; i < 30; ++i)
    Put("T", i % 2, std::string(1000, 'x'), test::Properties({{"UNIQ_KEY", "u"}}));
  Close();
  for (const IoCall call :
       {IoCall::kOpen, IoCall::kMap, IoCall::kSync, IoCall::kSyncDirectory, IoCall::kZero,
        IoCall::kMappingSync, IoCall::kReserve, IoCall::kRemove}) {
    for (int k = 1; k < 100; ++k) {
      Drop();
      const int before = faulty_.calls(call);
      faulty_.Fail(call, k, EIO);
      const Status status = TryOpen();
      if (status.ok()) {
        // The planned failure may strike here.
        [[maybe_unused]] const Status closed = store->Close();
        if (faulty_.calls(call) - before < k) break;
      } else {
        EXPECT_EQ(status.error_number(), EIO) << status.ToString();
      }
    }
    faulty_.Pass(call);
    Open();
    EXPECT_EQ(ReadAll("T", 0).size(), 15u);
    EXPECT_EQ(ReadAll("T", 1).size(), 15u);
    Close();
  }
}

TEST_F(StoreFailureTest, ARepairThatEndsAtAnyCallIsMadeAgainByTheNextOpen) {
  for (int i = 0; i < 12; ++i) Put("OLD", 0, "old");
  for (int i = 0; i < 80; ++i) Put("T", 0, std::string(1000, 'x'));
  Close();
  Drop();
  const std::string original = options.root;
  for (const IoCall call :
       {IoCall::kOpen, IoCall::kSync, IoCall::kSyncDirectory, IoCall::kMappingSync}) {
    for (int k = 1;; ++k) {
      options.root = directory / "damaged";
      std::filesystem::remove_all(options.root);
      test::CopyStore(original, options.root);
      test::Overwrite(options.root + "/consumequeue/OLD/0/" + SegmentName(0), 60,
                      std::string(20, '\0'));
      const int before = faulty_.calls(call);
      faulty_.Fail(call, k, EIO);
      const bool opened = TryOpen().ok();
      const bool failed = faulty_.calls(call) - before >= k;
      Drop();
      faulty_.Pass(call);
      if (opened && !failed) break;
      Open();
      EXPECT_EQ(ReadAll("OLD", 0).size(), 12u) << "call " << static_cast<int>(call) << ' ' << k;
      Drop();
    }
  }
}

TEST_F(StoreFailureTest, ARootIsNeeded) {
  test::StoreHarness other;
  other.options.root.clear();
  EXPECT_EQ(other.TryOpen().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace apogee
