#include "store/retention.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::IoCall;
using Kind = RetentionRequest::Kind;

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr uint32_t kEveryHour = 0xFFFFFF;

class RetentionTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override {
    io = &faulty_;
    SetUsedPercent(10);
    options.retention.clean_percent = 75;
    options.retention.forced_percent = 85;
    options.retention.refuse_percent = 90;
    options.retention.clean_interval_ms = 1;
    options.retention.space_interval_ms = 1;
    options.retention.delete_segment_interval_ms = 0;
    options.retention.delete_queue_files_interval_ms = 0;
    options.consume_queue_flush_interval_ms = 1;
  }
  void TearDown() override { Drop(); }  // before the StoreIo it uses

  void SetUsedPercent(uint64_t percent) {
    faulty_.SetSpace({1000, 1000 - percent * 10, percent * 10});
  }
  // About five messages to a segment.
  void PutSegments(std::string_view topic, int segments) {
    const std::string body(3000, 'x');
    for (int i = 0; i < segments * 5; ++i) Put(topic, 0, body, test::Properties({{"KEYS", "k"}}));
    AwaitDispatched();
    AwaitDurable();
  }
  void AwaitDurable() {
    store->RequestFlush(store->watermarks().appended);
    Await([&] { return store->watermarks().flushed == store->watermarks().appended; });
  }
  RetentionResult Ask(RetentionRequest request) {
    uint64_t ticket = 0;
    const Status status = store->RequestRetention(std::move(request), &ticket);
    EXPECT_TRUE(status.ok()) << status.ToString();
    RetentionResult answer;
    Await([&] {
      for (const RetentionResult& result : store->TakeRetentionResults()) {
        if (result.ticket == ticket) answer = result;
      }
      return answer.ticket == ticket;
    });
    return answer;
  }
  int64_t DeleteExpired() { return Ask({.kind = Kind::kDeleteExpired}).deleted_segments; }
  QueueBounds BoundsOf(std::string_view topic) {
    QueueBounds bounds;
    EXPECT_TRUE(store->Bounds(Topic(topic), 0, &bounds));
    return bounds;
  }
  void AwaitMin(int64_t offset) {
    Await([&] { return store->min_physical_offset().value >= offset; });
  }
  // Lets the "clean" thread go through some rounds.
  void PassRounds() {
    for (int i = 0; i < 3; ++i) Ask({.kind = Kind::kTruncateBefore});
  }

  test::FaultyStoreIo faulty_{PosixStoreIo()};
};

TEST_F(RetentionTest, SegmentsOverTheirTimeGoDuringTheHourAndQueuesAndIndexWithThem) {
  Open();
  PutSegments("T", 4);
  clock.Advance(73 * kHour);
  PutSegments("T", 4);
  PassRounds();
  EXPECT_EQ(store->min_physical_offset().value, 0);  // it is not the hour
  RetentionOptions now = store->retention_options();
  now.delete_hours = kEveryHour;
  store->SetRetention(now);
  AwaitMin(3 * options.segment_bytes);
  Await([&] { return BoundsOf("T").min.value > 0; });
  PassRounds();
  EXPECT_LE(store->min_physical_offset().value, 4 * options.segment_bytes);
  const auto messages = ReadAll("T", 0);
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(messages.front().queue_offset, BoundsOf("T").min.value);
  EXPECT_EQ(messages.back().queue_offset, 39);
  for (const test::ReadMessage& message : messages) {
    EXPECT_GE(message.physical_offset, store->min_physical_offset().value);
  }
  // Twenty entries to a file: none of the first file is left alive, or the file is.
  const bool first_file =
      std::filesystem::exists(options.root + "/consumequeue/T/0/" + SegmentName(0));
  EXPECT_EQ(first_file, BoundsOf("T").min.value < 20);
  EXPECT_GE(store->retention().deleted_segments, 3);
  EXPECT_EQ(store->retention().deleted_bytes,
            store->retention().deleted_segments * options.segment_bytes);
  EXPECT_EQ(store->retention().last_delete_ms, clock.NowMs());
  const int64_t min = BoundsOf("T").min.value;
  Close();
  Open();
  EXPECT_TRUE(store->recovery().clean);
  EXPECT_EQ(BoundsOf("T").min.value, min);
  EXPECT_EQ(ReadAll("T", 0).size(), messages.size());
}

TEST_F(RetentionTest, IndexFilesBelowTheLogGoButTheLast) {
  options.index_items = 10;
  Open();
  PutSegments("T", 12);
  const auto files = [&] {
    const std::filesystem::directory_iterator all(options.root + "/index");
    return std::distance(begin(all), end(all));
  };
  const auto before = files();
  ASSERT_GT(before, 3);
  Ask({.kind = Kind::kTruncateBefore, .offset = {8 * options.segment_bytes}});
  EXPECT_LT(files(), before);
  const QueryResult found = store->QueryByKey("T", "k", 1000, 0, INT64_MAX);
  EXPECT_FALSE(found.offsets.empty());
  Ask({.kind = Kind::kTruncateBefore, .offset = {INT64_MAX}});
  EXPECT_GE(files(), 1);
}

TEST_F(RetentionTest, AFullerDiskDeletesOldSegmentsAtAnyHour) {
  Open();
  PutSegments("T", 4);
  clock.Advance(73 * kHour);
  PutSegments("T", 2);
  SetUsedPercent(76);
  AwaitMin(3 * options.segment_bytes);
  EXPECT_TRUE(store->retention().refusal.empty());
  EXPECT_LE(store->min_physical_offset().value, 4 * options.segment_bytes);
  EXPECT_DOUBLE_EQ(store->retention().log_used_ratio, 0.76);
  EXPECT_DOUBLE_EQ(store->retention().root_used_ratio, 0.76);
}

TEST_F(RetentionTest, ANearlyFullDiskDeletesYoungSegmentsButNotTheNewest) {
  Open();
  PutSegments("T", 15);
  SetUsedPercent(86);
  AwaitMin(store->watermarks().appended.value - options.segment_bytes);
  EXPECT_LE(store->min_physical_offset(), store->watermarks().appended);
  Await([&] { return BoundsOf("T").min.value > 60; });
  EXPECT_FALSE(ReadAll("T", 0).empty());
  Put("T", 0, "more");
}

TEST_F(RetentionTest, DeletedSegmentsAreKeptForUseAgainUntilTheDiskIsNearlyFull) {
  const auto recycled = [this] {
    const std::string directory = options.root + "/recycled";
    if (!std::filesystem::exists(directory)) return 0L;
    return std::distance(std::filesystem::directory_iterator(directory), {});
  };
  Open();
  PutSegments("T", 8);
  RetentionRequest truncate{.kind = Kind::kTruncateBefore};
  truncate.offset = {2 * options.segment_bytes};
  EXPECT_EQ(Ask(truncate).deleted_segments, 2);
  Await([&] { return recycled() > 0; });
  SetUsedPercent(86);
  AwaitMin(store->watermarks().appended.value - options.segment_bytes);
  Await([&] { return recycled() == 0; });
}

TEST_F(RetentionTest, WithoutForcedCleaningYoungSegmentsStay) {
  options.retention.clean_forcibly = false;
  Open();
  PutSegments("T", 4);
  SetUsedPercent(99);
  Await([&] { return !store->retention().refusal.empty(); });
  PassRounds();
  EXPECT_EQ(store->min_physical_offset().value, 0);
}

TEST_F(RetentionTest, AppendsAreRefusedAboveTheLimitWithTheCauseAndTakenAgainBelow) {
  options.retention.clean_forcibly = false;
  Open();
  Put("T", 0, "before");
  SetUsedPercent(91);
  Await([&] { return !store->retention().refusal.empty(); });
  EXPECT_EQ(Append(Request("T", 0, "refused")).status, StatusCode::kNoSpace);
  EXPECT_EQ(store->retention().refusal.substr(0, 28), "disk 91 % used, limit 90 % (");
  EXPECT_TRUE(store->failure().ok());
  AwaitDispatched();
  EXPECT_EQ(ReadAll("T", 0).size(), 1u);  // reading goes on
  SetUsedPercent(90);
  Await([&] { return store->retention().refusal.empty(); });
  EXPECT_EQ(Put("T", 0, "after").queue_offset.value, 1);
}

TEST_F(RetentionTest, AStoreOpenedOnAFullDiskRefusesFromItsFirstAppend) {
  SetUsedPercent(95);
  Open();
  EXPECT_EQ(Append(Request("T", 0, "refused")).status, StatusCode::kNoSpace);
  SetUsedPercent(50);
  Await([&] { return Append(Request("T", 0, "taken")).status == StatusCode::kOk; });
}

TEST_F(RetentionTest, TheLeastFreeBytesAreALimitToo) {
  options.retention.min_free_bytes = 500;
  Open();
  Put("T", 0, "x");
  SetUsedPercent(60);
  Await([&] { return !store->retention().refusal.empty(); });
  EXPECT_EQ(store->retention().refusal.substr(0, 35), "disk has 400 bytes free, limit 500 ");
}

TEST_F(RetentionTest, TruncateBeforeDeletesWholeSegmentsBelow) {
  Open();
  PutSegments("T", 4);
  const RetentionResult result =
      Ask({.kind = Kind::kTruncateBefore, .offset = {2 * options.segment_bytes + 5}});
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.deleted_segments, 2);
  EXPECT_EQ(store->min_physical_offset().value, 2 * options.segment_bytes);
  const auto messages = ReadAll("T", 0);
  EXPECT_EQ(messages.front().queue_offset, BoundsOf("T").min.value);
  EXPECT_EQ(messages.front().physical_offset, store->min_physical_offset().value);
}

TEST_F(RetentionTest, AQueueWhoseMessagesAreAllGoneGoesOnAtItsOffset) {
  options.recycle_segments = false;  // files that move cannot be copied
  Open();
  PutSegments("Gone", 2);
  PutSegments("Rest", 3);
  Ask({.kind = Kind::kTruncateBefore, .offset = {3 * options.segment_bytes}});
  EXPECT_EQ(BoundsOf("Gone").min.value, 10);
  EXPECT_EQ(BoundsOf("Gone").max.value, 10);
  EXPECT_TRUE(ReadAll("Gone", 0).empty());
  test::CopyStore(options.root, directory / "killed");
  Close();
  for (const std::string& root : {options.root, directory / "killed"}) {
    options.root = root;
    Open();
    EXPECT_EQ(store->recovery().clean, root != directory / "killed");
    EXPECT_EQ(BoundsOf("Gone").max.value, 10);
    EXPECT_EQ(Put("Gone", 0, "next").queue_offset.value, 10);
    AwaitDispatched();
    EXPECT_EQ(ReadAll("Gone", 0).size(), 1u);
    Close();
  }
}

TEST_F(RetentionTest, AClockThatJumpsAheadDeletesNothingUntilItIsAccepted) {
  options.retention.delete_hours = kEveryHour;
  Open();
  PutSegments("T", 4);
  clock.Jump(4 * kDay);
  Await([&] { return store->retention().clock_ahead_ms > 0; });
  EXPECT_EQ(store->retention().clock_doubt.substr(0, 31), "the wall clock is 96.0 h ahead ");
  PutSegments("T", 2);
  EXPECT_EQ(DeleteExpired(), 0);
  PassRounds();
  EXPECT_EQ(store->min_physical_offset().value, 0);
  // Nor does it after a restart with that clock.
  Close();
  Open();
  EXPECT_GT(store->retention().clock_ahead_ms, 0);
  EXPECT_EQ(DeleteExpired(), 0);
  EXPECT_TRUE(Ask({.kind = Kind::kAcceptClock}).status.ok());
  AwaitMin(3 * options.segment_bytes);
  EXPECT_TRUE(store->retention().clock_doubt.empty());
}

TEST_F(RetentionTest, AStoreThatWasClosedForLongIsCleanedWhenItsTimeHasPassedOpen) {
  options.retention.delete_hours = kEveryHour;
  Open();
  PutSegments("T", 4);
  Close();
  clock.Advance(10 * kDay);
  Open();
  EXPECT_EQ(DeleteExpired(), 0);
  EXPECT_EQ(store->retention().clock_ahead_ms, 10 * kDay);
  clock.Advance(72 * kHour + 1);
  AwaitMin(3 * options.segment_bytes);
}

TEST_F(RetentionTest, ATopicIsKeptForAShorterTimeThanTheLog) {
  Open();
  PutSegments("Short", 1);
  PutSegments("Long", 1);
  clock.Advance(2 * kHour);
  Put("Short", 0, "young");
  AwaitDispatched();
  const RetentionRequest request{
      .kind = Kind::kSetTopic, .topic = "Short", .topic_retention = {.time_ms = kHour}};
  EXPECT_TRUE(Ask(request).status.ok());
  EXPECT_EQ(BoundsOf("Short").min.value, 5);
  EXPECT_EQ(BoundsOf("Long").min.value, 0);
  EXPECT_EQ(ReadAll("Short", 0).front().body, "young");
  EXPECT_EQ(store->min_physical_offset().value, 0);
  Close();
  Open();
  EXPECT_EQ(BoundsOf("Short").min.value, 5);
  clock.Advance(2 * kHour);
  Await([&] { return BoundsOf("Short").min.value == 6; });
  EXPECT_EQ(Put("Short", 0, "next").queue_offset.value, 6);
  ASSERT_EQ(store->TopicRetentions().size(), 1u);
  EXPECT_TRUE(Ask({.kind = Kind::kSetTopic, .topic = "Short"}).status.ok());
  EXPECT_TRUE(store->TopicRetentions().empty());
}

TEST_F(RetentionTest, ATopicIsKeptWithFewerBytesOldestFirstOfAllItsQueues) {
  Open();
  const std::string body(1000, 'x');
  for (int i = 0; i < 40; ++i) Put("T", i % 2, body);
  AwaitDispatched();
  const int64_t record_bytes = Put("T", 0, body).size_bytes;
  AwaitDispatched();
  const RetentionRequest request{
      .kind = Kind::kSetTopic, .topic = "T", .topic_retention = {.bytes = 10 * record_bytes}};
  EXPECT_TRUE(Ask(request).status.ok());
  EXPECT_EQ(ReadAll("T", 0).size(), 5u);
  EXPECT_EQ(ReadAll("T", 1).size(), 5u);
  for (int i = 0; i < 6; ++i) Put("T", 1, body);
  Await([&] { return ReadAll("T", 0).size() == 2; });
  EXPECT_EQ(ReadAll("T", 1).size(), 8u);
}

TEST_F(RetentionTest, WhatWentWithTheLogNoLongerCountsForATopicsBytes) {
  Open();
  PutSegments("T", 16);
  const RetentionRequest keep_some{
      .kind = Kind::kSetTopic, .topic = "T", .topic_retention = {.bytes = 198'000}};
  ASSERT_TRUE(Ask(keep_some).status.ok());
  ASSERT_LT(BoundsOf("T").min.value, 20);
  Ask({.kind = Kind::kTruncateBefore, .offset = {9 * options.segment_bytes}});
  Await([&] { return BoundsOf("T").min.value >= 40; });
  const int64_t kept = BoundsOf("T").min.value;
  PutSegments("T", 3);
  PassRounds();
  EXPECT_EQ(BoundsOf("T").min.value, kept);
}

TEST_F(RetentionTest, ADamagedFileOfTopicRetentionsIsToldAndKeepsMore) {
  Open();
  PutSegments("T", 1);
  EXPECT_TRUE(
      Ask({.kind = Kind::kSetTopic, .topic = "T", .topic_retention = {.bytes = 1}}).status.ok());
  EXPECT_EQ(BoundsOf("T").min.value, 5);
  Close();
  test::Overwrite(options.root + "/retention.txt", 3, "!");
  Open();
  EXPECT_EQ(BoundsOf("T").min.value, 0);
  EXPECT_NE(store->recovery().notes.back().find("retention.txt is damaged"), std::string::npos);
}

TEST_F(RetentionTest, AFileThatCannotBeDeletedIsToldAndTriedAgain) {
  options.retention.delete_hours = kEveryHour;
  Open();
  PutSegments("T", 3);
  faulty_.FailAll(IoCall::kRemove, EACCES);
  faulty_.FailAll(IoCall::kRename, EACCES);
  clock.Advance(73 * kHour);
  PutSegments("T", 1);
  Await([&] { return store->retention().problem.find("IO_ERROR") == 0; });
  EXPECT_TRUE(store->failure().ok());
  faulty_.Pass(IoCall::kRemove);
  faulty_.Pass(IoCall::kRename);
  AwaitMin(2 * options.segment_bytes);
  Await([&] { return store->retention().problem.empty(); });
}

TEST_F(RetentionTest, AReadOnlyStoreLosesNothing) {
  Open();
  PutSegments("T", 4);
  faulty_.FailAll(IoCall::kMappingSync, EIO);
  faulty_.FailAll(IoCall::kSync, EIO);
  Put("T", 0, "x");
  store->RequestFlush(store->watermarks().appended);
  Await([&] { return !store->failure().ok(); });
  SetUsedPercent(99);
  const RetentionResult result =
      Ask({.kind = Kind::kTruncateBefore, .offset = {2 * options.segment_bytes}});
  EXPECT_EQ(result.status.code(), StatusCode::kReadOnly);
  EXPECT_EQ(store->min_physical_offset().value, 0);
}

TEST_F(RetentionTest, RequestsWithWrongValuesAreRefused) {
  Open();
  uint64_t ticket = 0;
  const RetentionRequest negative{
      .kind = Kind::kSetTopic, .topic = "T", .topic_retention = {.time_ms = -1}};
  EXPECT_EQ(store->RequestRetention(negative, &ticket).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store->RequestRetention({.kind = Kind::kSetTopic, .topic = "a/b"}, &ticket).code(),
            StatusCode::kInvalidArgument);
  Close();
  EXPECT_EQ(store->RequestRetention({}, &ticket).code(), StatusCode::kClosed);
}

}  // namespace
}  // namespace apogee
