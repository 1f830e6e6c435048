#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "base/bytes.h"
#include "format/checkpoint_layout.h"
#include "format/consume_queue_entry.h"
#include "log/mapped_file_queue.h"
#include "test/support/faulty_store_io.h"
#include "test/support/recovery_fixture.h"

namespace apogee {
namespace {

using test::CopyStore;
using test::ReadMessage;

namespace fs = std::filesystem;

using RecoveryTest = test::RecoveryFixture;

TEST_F(RecoveryTest, AnOrderlyCloseLeavesNothingToDo) {
  PutMixed(100);
  Close();
  EXPECT_FALSE(fs::exists(options.root + "/abort"));
  const int64_t last_ms = clock.NowMs() - 10;
  EXPECT_EQ(CheckpointOnDisk(), (CheckpointTimes{last_ms, last_ms, last_ms}));
  Open();
  EXPECT_TRUE(store->recovery().clean);
  ExpectNoEntriesAdded();
  EXPECT_TRUE(store->recovery().notes.empty());
  ExpectAllMixed(100);
  PutMixed(50);
  AwaitDispatched();
  ExpectAllMixed(150);
  EXPECT_TRUE(fs::exists(options.root + "/abort"));
}

TEST_F(RecoveryTest, AnEmptyStoreReopens) {
  Close();
  EXPECT_TRUE(fs::is_directory(options.root + "/commitlog"));
  Open();
  EXPECT_EQ(store->watermarks().appended.value, 0);
  Kill();
  Open();
  EXPECT_FALSE(store->recovery().clean);
  Put("T", 0, "x");
}

TEST_F(RecoveryTest, AfterAKillEveryMessageIsInItsQueueOnce) {
  PutMixed(77);
  AwaitDispatched();
  Kill();
  EXPECT_TRUE(fs::exists(options.root + "/abort"));
  Open();
  EXPECT_FALSE(store->recovery().clean);
  ExpectAllMixed(77);
  PutMixed(40);
  Kill();  // perhaps before all is dispatched
  Open();
  ExpectAllMixed(117);
  Close();
  Open();
  ExpectNoEntriesAdded();
  ExpectAllMixed(117);
}

TEST_F(RecoveryTest, QueuesAndIndexAreMadeAgainWhenTheyAreGone) {
  PutMixed(120);
  Close();
  fs::remove_all(options.root + "/consumequeue");
  fs::remove_all(options.root + "/index");
  Open();
  EXPECT_EQ(store->recovery().added_entries, 120);
  ExpectAllMixed(120);
  PutMixed(10);
  AwaitDispatched();
  ExpectAllMixed(130);
}

TEST_F(RecoveryTest, OneQueueThatIsGoneIsMadeAgainFromTheFirstSegment) {
  PutMixed(120);  // eight segments
  Close();
  fs::remove_all(options.root + "/consumequeue/A/1");
  Open();
  EXPECT_EQ(store->recovery().dispatched_from.value, 0);
  EXPECT_EQ(store->recovery().added_entries, 20);
  ExpectAllMixed(120);
}

TEST_F(RecoveryTest, AQueueThatIsBehindIsRepairedThoughOthersAreAhead) {
  PutMixed(120);
  AwaitDispatched();
  Close();
  // Its last file is from long ago, as when it was never synced.
  fs::resize_file(QueueFile("B/0", 400), 0);
  fs::remove(QueueFile("B/0", 400));
  if (fs::exists(QueueFile("B/0", 800))) fs::remove(QueueFile("B/0", 800));
  test::Overwrite(QueueFile("B/0", 0), 5 * 20, std::string(300, '\0'));
  Open();
  ExpectAllMixed(120);
  EXPECT_GT(store->recovery().added_entries, 0);
}

TEST_F(RecoveryTest, EntriesThatPointBehindTheLogOrElsewhereAreReplaced) {
  PutMixed(30);
  AwaitDispatched();
  Kill();
  ForgetRecoveryPoint();
  // An entry of pages that never reached the device, and one for a record the log never got.
  std::string entry(20, '\0');
  EncodeConsumeQueueEntry({{5}, 100, 0}, reinterpret_cast<uint8_t*>(entry.data()));
  test::Overwrite(QueueFile("B/0", 0), 3 * 20, entry);
  EncodeConsumeQueueEntry({{1 << 30}, 100, 0}, reinterpret_cast<uint8_t*>(entry.data()));
  test::Overwrite(QueueFile("A/0", 0), 5 * 20, entry);
  Open();
  ExpectAllMixed(30);
}

TEST_F(RecoveryTest, ATornTailIsCutAndDoesNotComeBack) {
  PutMixed(5);
  const AppendResult torn = Put("A", 0, std::string(1000, 't'));
  AwaitDispatched();
  Kill();
  ForgetRecoveryPoint();
  const int64_t position = torn.physical_offset.value;
  ASSERT_LT(position + torn.size_bytes, options.segment_bytes);
  test::Overwrite(Segment(0), position + 600, std::string(torn.size_bytes - 600, '\0'));
  Open();
  EXPECT_EQ(store->watermarks().appended, torn.physical_offset);
  EXPECT_EQ(store->watermarks().flushed, torn.physical_offset);
  ASSERT_EQ(store->recovery().notes.size(), 1u);
  EXPECT_NE(store->recovery().notes[0].find("position " + std::to_string(position)),
            std::string::npos);
  EXPECT_EQ(test::ReadFile(Segment(0)).substr(static_cast<size_t>(position)),
            std::string(options.segment_bytes - static_cast<size_t>(position), '\0'));
  ExpectAllMixed(5);
  PutMixed(5);
  Kill();
  Open();
  ExpectAllMixed(10);
}

TEST_F(RecoveryTest, RecordsBehindAnUnsyncedHoleGoAfterACrashButNotBelowTheCheckpoint) {
  PutMixed(13);
  const int64_t durable_ms = clock.NowMs();
  const int64_t end = store->watermarks().appended.value;
  AwaitDispatched();
  Kill();
  ForgetRecoveryPoint();
  // A page in the middle that never reached the device: the third record on is lost.
  test::Overwrite(Segment(0), 4096, std::string(4096, '\0'));
  const std::string holed = directory / "holed";
  CopyStore(options.root, holed);
  SetCheckpoint({durable_ms, durable_ms, durable_ms});
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_EQ(store->watermarks().appended.value, end);
  Drop();
  CopyStore(holed, options.root = directory / "unpromised");
  ForgetRecoveryPoint();
  SetCheckpoint({});
  Open();
  EXPECT_EQ(store->recovery().notes.size(), 1u);
  EXPECT_EQ(store->recovery().damaged_ranges, 0);
  ExpectAllMixed(3);
}

TEST_F(RecoveryTest, WhatJavaLeftBehindACutTailDoesNotStopAnOpen) {
  PutMixed(10);
  const std::string old = [&] {
    Kill();
    ForgetRecoveryPoint();
    return test::ReadFile(Segment(0));
  }();
  // Java cuts at record 4, goes on with longer records, and stops in order: the old ones are still
  // behind.
  test::Overwrite(Segment(0), 4096, std::string(options.segment_bytes - 4096, '\0'));
  Open();
  ExpectAllMixed(3);
  clock.Advance(60000);
  total_ = 3;
  PutMixed(1);
  Put("C", 0, "a longer one" + std::string(300, '.'));
  const int64_t end = store->watermarks().appended.value;
  Close();
  test::Overwrite(Segment(0), end, std::string_view(old).substr(static_cast<size_t>(end)));
  Open();
  EXPECT_TRUE(store->recovery().clean);
  EXPECT_EQ(store->watermarks().appended.value, end);
  EXPECT_EQ(store->recovery().notes.size(), 1u);
  ExpectAllMixed(4);
  EXPECT_EQ(test::ReadFile(Segment(0)).substr(static_cast<size_t>(end), 5000),
            std::string(5000, '\0'));
}

TEST_F(RecoveryTest, TheCheckpointBoundsWhatIsReadAgainAfterAKill) {
  PutMixed(60);
  AwaitDispatched();
  clock.Advance(60000);
  PutMixed(60);
  AwaitDispatched();
  const int64_t durable_ms = clock.NowMs() - 2000;
  Kill();
  ForgetRecoveryPoint();
  SetCheckpoint({durable_ms, durable_ms, durable_ms});
  Open();
  EXPECT_GT(store->recovery().checked_from.value, 0);
  EXPECT_GT(store->recovery().dispatched_from.value, 0);
  ExpectAllMixed(120);
}

TEST_F(RecoveryTest, TheCheckpointIsWrittenWhileOpenAndOnlyForWhatIsDurable) {
  PutMixed(10);
  const int64_t last_ms = clock.NowMs() - 10;
  Await([&] { return CheckpointOnDisk() == CheckpointTimes{last_ms, last_ms, last_ms}; });
}

TEST_F(RecoveryTest, WithoutALogQueuesAreEmptied) {
  PutMixed(50);
  Close();
  fs::remove_all(options.root + "/commitlog");
  Open();
  ExpectAllMixed(0);
  total_ = 0;
  PutMixed(10);
  AwaitDispatched();
  ExpectAllMixed(10);
}

TEST_F(RecoveryTest, AQueueOfALogThatLostItsFirstSegmentsStartsInTheMiddle) {
  PutMixed(120);
  Close();
  fs::remove(Segment(0));
  fs::remove(Segment(options.segment_bytes));
  fs::remove_all(options.root + "/consumequeue");
  Open();
  QueueBounds bounds;
  ASSERT_TRUE(store->Bounds(Topic("B"), 0, &bounds));
  EXPECT_GT(bounds.min.value, 0);
  EXPECT_EQ(bounds.max.value, 40);
  EXPECT_EQ(store->min_physical_offset().value, 2 * options.segment_bytes);
  const auto messages = ReadAll("B", 0);
  EXPECT_EQ(static_cast<int64_t>(messages.size()), bounds.max - bounds.min);
  EXPECT_EQ(messages.front().queue_offset, bounds.min.value);
  const PullResult pulled = Pull(From("B", 0, 0));
  EXPECT_EQ(pulled.status, PullStatus::kOffsetTooSmall);
  EXPECT_EQ(pulled.next_begin, bounds.min);
  // With the queues kept the answer is the same.
  Close();
  Open();
  QueueBounds again;
  ASSERT_TRUE(store->Bounds(Topic("B"), 0, &again));
  EXPECT_EQ(again.min, bounds.min);
  EXPECT_EQ(again.max, bounds.max);
}

TEST_F(RecoveryTest, AHoleInAQueueOfOldMessagesIsMadeGoodAfterAnOrderlyClose) {
  PutMany("OLD", 12);
  PutMixed(100);
  Close();
  test::Overwrite(QueueFile("OLD/0", 0), 60, std::string(20, '\0'));
  Open();
  EXPECT_EQ(ReadAll("OLD", 0).size(), 12u);
  ExpectAllMixed(100);
}

TEST_F(RecoveryTest, AFailedOpenDoesNotForgetThatAQueueIsDamaged) {
  for (const bool wrong_size : {false, true}) {
    if (wrong_size) Open();
    const std::string topic = wrong_size ? "OLDER" : "OLD";
    PutMany(topic, 12);
    for (int i = 0; i < 60; ++i) PutMany("T", 1, std::string(1000, '.'));
    Close();
    if (wrong_size) {
      fs::resize_file(QueueFile(topic + "/0", 0), 60);
    } else {
      test::Overwrite(QueueFile(topic + "/0", 0), 60, std::string(20, '\0'));
    }
    {
      test::FaultyStoreIo faulty(PosixStoreIo());
      faulty.FailAll(test::IoCall::kMappingSync, EIO);
      io = &faulty;
      EXPECT_EQ(TryOpen().code(), StatusCode::kIoError);
      Drop();
      io = &PosixStoreIo();
    }
    Open();
    EXPECT_EQ(ReadAll(topic, 0).size(), 12u);
    Close();
  }
}

TEST_F(RecoveryTest, ADamagedQueueOffsetInARecordLeavesNoGap) {
  PutMixed(10);
  AwaitDispatched();
  Kill();
  ForgetRecoveryPoint();
  test::Overwrite(Segment(0), 20 + 5, "\1");  // the first record's queue offset, plus 65536
  Open();
  QueueBounds bounds;
  ASSERT_TRUE(store->Bounds(Topic("A"), 0, &bounds));
  EXPECT_EQ(bounds.max.value, 2);
  EXPECT_EQ(ReadAll("A", 0).size(), 2u);
  EXPECT_EQ(store->recovery().notes.size(), 1u);
}

TEST_F(RecoveryTest, DamagedBodiesInSegmentsThatWereNotCheckedAreNotServed) {
  PutMixed(100);
  Close();
  test::Overwrite(Segment(0), 2600, "X");  // in the third record's body
  Open();
  EXPECT_GT(store->recovery().checked_from.value, 2600);
  int found = 0;
  int64_t third = -1;
  for (const char* topic : {"A", "B"}) {
    for (int queue = 0; queue < 2; ++queue) {
      for (const ReadMessage& message : ReadAll(topic, queue)) {
        ++found;
        third = std::max(third, message.physical_offset < 2600 ? message.physical_offset : -1);
        EXPECT_EQ(message.body.find('X'), std::string::npos);
      }
    }
  }
  EXPECT_EQ(found, 99);
  std::vector<uint8_t> record;
  ASSERT_TRUE(store->ReadRecord({third}, &record).ok());
  const int64_t damaged = third + std::ssize(record);
  EXPECT_EQ(store->ReadRecord({damaged}, &record).code(), StatusCode::kNotFound);
}

TEST_F(RecoveryTest, BodiesDamagedSinceTheyWereWrittenAreNotServedOnceFarBehind) {
  options.verify_behind_bytes = 1000;
  Open();
  const AppendResult first = Put("A", 0, std::string(400, 'a'));
  AwaitDispatched();
  test::Overwrite(Segment(0), first.physical_offset.value + 200, "X");
  std::vector<uint8_t> record;
  EXPECT_TRUE(store->ReadRecord(first.physical_offset, &record).ok());  // written a moment ago
  Put("A", 0, std::string(1000, 'b'));
  AwaitDispatched();
  const auto messages = ReadAll("A", 0);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].queue_offset, 1);
  EXPECT_EQ(store->ReadRecord(first.physical_offset, &record).code(), StatusCode::kNotFound);
}

TEST_F(RecoveryTest, StrangeNamesInTheDirectoriesAreReportedNotFollowed) {
  PutMixed(5);
  Close();
  fs::create_directories(options.root + "/consumequeue/bad name/0");
  fs::create_directories(options.root + "/consumequeue/A/not-a-queue");
  Open();
  EXPECT_EQ(store->recovery().notes.size(), 2u);
  ExpectAllMixed(5);
}

TEST_F(RecoveryTest, TransactionsAndBatchesSurviveAKill) {
  Put("T", 0, "one");
  AppendRequest half = Request("T", 0, "half");
  half.sys_flag = kTransactionPrepared;
  EXPECT_EQ(Append(half).status, StatusCode::kOk);
  Put("T", 0, "two");
  Kill();
  Open();
  EXPECT_EQ(ReadAll("T", 0).size(), 2u);
  EXPECT_EQ(Put("T", 0, "three").queue_offset.value, 2);
}

TEST_F(RecoveryTest, RecoveryDoneTwiceLeavesTheSameFiles) {
  PutMixed(60);
  AwaitDispatched();
  Kill();
  Open();
  Close();
  const std::string before = test::ReadFile(QueueFile("B/0", 0)) + test::ReadFile(Segment(0)) +
                             test::ReadFile(Segment(options.segment_bytes * 3));
  Open();
  Close();
  EXPECT_EQ(test::ReadFile(QueueFile("B/0", 0)) + test::ReadFile(Segment(0)) +
                test::ReadFile(Segment(options.segment_bytes * 3)),
            before);
}

}  // namespace
}  // namespace apogee
