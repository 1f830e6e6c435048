#include <gtest/gtest.h>

#include <filesystem>

#include "base/java_hash.h"
#include "format/consume_queue_entry.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::Properties;
using test::ReadMessage;

class AppendAndPullTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(AppendAndPullTest, WhatIsAppendedIsPulledInOrder) {
  const AppendResult first = Put("T", 0, "one", Properties({{"TAGS", "a"}}));
  const AppendResult second = Put("T", 0, "two");
  EXPECT_EQ(first.queue_offset.value, 0);
  EXPECT_EQ(second.queue_offset.value, 1);
  EXPECT_EQ(second.physical_offset, first.physical_offset + first.size_bytes);
  EXPECT_EQ(first.store_time_ms, clock.NowMs());
  AwaitDispatched();
  std::vector<ReadMessage> messages;
  const PullResult pulled = Pull(From("T", 0, 0), &messages);
  EXPECT_EQ(pulled.status, PullStatus::kFound);
  EXPECT_EQ(pulled.next_begin.value, 2);
  EXPECT_EQ(pulled.min.value, 0);
  EXPECT_EQ(pulled.max.value, 2);
  EXPECT_EQ(pulled.count, 2);
  EXPECT_EQ(pulled.log_behind_bytes, second.size_bytes);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].body, "one");
  EXPECT_EQ(messages[0].properties, Properties({{"TAGS", "a"}}));
  EXPECT_EQ(messages[1].body, "two");
  EXPECT_EQ(messages[1].queue_offset, 1);
}

TEST_F(AppendAndPullTest, QueueFilesHaveJavasBytes) {
  const AppendResult put = Put("T", 3, "body", Properties({{"TAGS", "TagA"}}));
  AwaitDispatched();
  Close();
  const std::string bytes = test::ReadFile(options.root + "/consumequeue/T/3/00000000000000000000");
  ASSERT_EQ(bytes.size(), 400u);
  EXPECT_EQ(
      DecodeConsumeQueueEntry(reinterpret_cast<const uint8_t*>(bytes.data())),
      (ConsumeQueueEntry{put.physical_offset, static_cast<int32_t>(put.size_bytes), 2598919}));
  EXPECT_EQ(bytes.substr(20), std::string(380, '\0'));
}

TEST_F(AppendAndPullTest, OffsetsOutsideTheQueueAreAnsweredAsByJava) {
  EXPECT_EQ(Pull(From("T", 0, 5)).status, PullStatus::kNoMatchedQueue);
  EXPECT_EQ(Pull(From("T", 0, 5)).next_begin.value, 0);
  PutMany("T", 3);
  AwaitDispatched();
  EXPECT_EQ(Pull(From("T", 1, 0)).status, PullStatus::kNoMatchedQueue);
  PullResult pulled = Pull(From("T", 0, 3));
  EXPECT_EQ(pulled.status, PullStatus::kOffsetOverflowOne);
  EXPECT_EQ(pulled.next_begin.value, 3);
  pulled = Pull(From("T", 0, 9));
  EXPECT_EQ(pulled.status, PullStatus::kOffsetOverflowBadly);
  EXPECT_EQ(pulled.next_begin.value, 3);
  pulled = Pull(From("T", 0, -1));
  EXPECT_EQ(pulled.status, PullStatus::kOffsetTooSmall);
  EXPECT_EQ(pulled.next_begin.value, 0);
}

TEST_F(AppendAndPullTest, CountAndBytesBoundAPull) {
  PutMany("T", 10);
  AwaitDispatched();
  PullResult pulled = Pull(From("T", 0, 2, 3));
  EXPECT_EQ(pulled.count, 3);
  EXPECT_EQ(pulled.next_begin.value, 5);
  const uint32_t record_bytes = pulled.size_bytes / 3;
  PullRequest request = From("T", 0, 0);
  request.max_bytes = record_bytes * 4 + 1;
  EXPECT_EQ(Pull(request).count, 4);
  request.max_bytes = 1;  // one is always given
  EXPECT_EQ(Pull(request).count, 1);
}

TEST_F(AppendAndPullTest, APullEndsWithTheQueueFileAndGoesOnInTheNext) {
  PutMany("T", 25);
  AwaitDispatched();
  const PullResult pulled = Pull(From("T", 0, 15));
  EXPECT_EQ(pulled.count, 5);
  EXPECT_EQ(pulled.next_begin.value, 20);
  EXPECT_EQ(ReadAll("T", 0).size(), 25u);
}

TEST_F(AppendAndPullTest, ASmallBufferIsFilledOrItsNeedIsTold) {
  PutMany("T", 3);
  AwaitDispatched();
  const uint32_t record_bytes = Pull(From("T", 0, 0, 1)).size_bytes;
  std::vector<uint8_t> into(record_bytes * 2 + 1);
  PullResult pulled = store->Pull(From("T", 0, 0), into);
  EXPECT_EQ(pulled.count, 2);
  EXPECT_EQ(pulled.next_begin.value, 2);
  EXPECT_EQ(pulled.needed_bytes, 0u);
  into.resize(record_bytes - 1);
  pulled = store->Pull(From("T", 0, 1), into);
  EXPECT_EQ(pulled.count, 0);
  EXPECT_EQ(pulled.needed_bytes, record_bytes);
  EXPECT_EQ(pulled.next_begin.value, 1);
}

TEST_F(AppendAndPullTest, AnEntryThatPointsNowhereCostsOneMessage) {
  PutMany("T", 10);
  AwaitDispatched();
  const std::string file = options.root + "/consumequeue/T/0/" + SegmentName(0);
  const std::string good = test::ReadFile(file).substr(60, 8);
  std::string shifted = good;
  shifted[7] = static_cast<char>(shifted[7] + 1);
  for (const std::string& bad :
       {std::string(8, '\xff'), std::string("\x7f\xff\xff\xff\xff\xff\xff\xff", 8),
        std::string("\0\0\0\0\0\1\0\0", 8), shifted}) {
    test::Overwrite(file, 60, bad);
    std::vector<ReadMessage> messages;
    const PullResult result = Pull(From("T", 0, 0), &messages);
    EXPECT_EQ(result.next_begin.value, 10);
    EXPECT_EQ(messages.size(), 9u);
    EXPECT_EQ(Pull(From("T", 0, 3), &messages).status, PullStatus::kFound);
    EXPECT_EQ(messages.size(), 6u);
  }
  test::Overwrite(file, 60, good);
  EXPECT_EQ(ReadAll("T", 0).size(), 10u);
}

TEST_F(AppendAndPullTest, FiltersByTagCode) {
  for (int i = 0; i < 12; ++i)
    Put("T", 0, std::to_string(i), Properties({{"TAGS", i % 3 == 0 ? "a" : "b"}}));
  AwaitDispatched();
  const int32_t a[] = {JavaHashCode("a")};
  PullRequest request = From("T", 0, 1);
  request.tag_codes = a;
  std::vector<ReadMessage> messages;
  PullResult pulled = Pull(request, &messages);
  EXPECT_EQ(pulled.next_begin.value, 12);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].body, "3");
  EXPECT_EQ(messages[2].body, "9");
  const int32_t none[] = {77};
  request.tag_codes = none;
  pulled = Pull(request);
  EXPECT_EQ(pulled.status, PullStatus::kNoMatchedMessage);
  EXPECT_EQ(pulled.count, 0);
  EXPECT_EQ(pulled.next_begin.value, 12);
}

TEST_F(AppendAndPullTest, AFilterThatMatchesNothingLooksAtABoundedNumberOfEntries) {
  Close();
  options.consume_queue_file_bytes = 2000 * 20;
  options.root = directory / "wide";
  options.segment_bytes = 1 << 20;
  Open();
  PutMany("T", 1500, "b");
  AwaitDispatched();
  const int32_t none[] = {77};
  PullRequest request = From("T", 0, 100);
  request.tag_codes = none;
  EXPECT_EQ(Pull(request).next_begin.value, 900);  // 16000 bytes of entries
  request.max_count = 1000;
  EXPECT_EQ(Pull(request).next_begin.value, 1100);
}

TEST_F(AppendAndPullTest, PreparedAndRolledBackMessagesHaveNoPlaceInAQueue) {
  Put("T", 0, "first");
  for (const int32_t type : {kTransactionPrepared, kTransactionRollback}) {
    const std::string properties = Properties({{"UNIQ_KEY", "u" + std::to_string(type)}});
    AppendRequest request = Request("T", 0, "half", properties);
    request.sys_flag = type;
    const AppendResult result = Append(request);
    EXPECT_EQ(result.status, StatusCode::kOk);
    EXPECT_EQ(result.queue_offset.value, 0);
  }
  EXPECT_EQ(Put("T", 0, "second").queue_offset.value, 1);
  AwaitDispatched();
  EXPECT_EQ(ReadAll("T", 0).size(), 2u);
  EXPECT_EQ(store->QueryByKey("T", "u4", 10, 0, INT64_MAX).offsets.size(), 1u);
  EXPECT_EQ(store->QueryByKey("T", "u12", 10, 0, INT64_MAX).offsets.size(), 0u);
}

TEST_F(AppendAndPullTest, ABatchStandsInOneSegmentOrFailsAsAWhole) {
  const std::string body(3000, 'x');
  for (int i = 0; i < 4; ++i) Put("T", 0, body);
  std::vector<AppendRequest> batch(3, Request("T", 0, body));
  batch[0].batch_size = 3, batch[1].batch_size = 0, batch[2].batch_size = 0;
  std::vector<AppendResult> results(3);
  store->Append(batch, results);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(results[i].status, StatusCode::kOk);
    EXPECT_EQ(results[i].queue_offset.value, 4 + i);
    EXPECT_GE(results[i].physical_offset.value, options.segment_bytes);
  }
  const std::string huge(options.max_body_bytes + 1, 'x');
  batch[1].body = {reinterpret_cast<const uint8_t*>(huge.data()), huge.size()};
  store->Append(batch, results);
  for (const AppendResult& result : results) EXPECT_EQ(result.status, StatusCode::kTooLarge);
  batch[0].batch_size = 4;  // more than there are
  store->Append(batch, results);
  EXPECT_EQ(results[2].status, StatusCode::kInvalidArgument);
  EXPECT_EQ(Put("T", 0, "after").queue_offset.value, 7);
  AwaitDispatched();
  EXPECT_EQ(ReadAll("T", 0).size(), 8u);
}

TEST_F(AppendAndPullTest, OneCallTakesManyGroupsAndEachIsAnsweredForItself) {
  std::vector<AppendRequest> requests(3, Request("T", 0, "x"));
  requests[1].queue_id = -1;
  requests[2].topic = {99};
  std::vector<AppendResult> results(3);
  store->Append(requests, results);
  EXPECT_EQ(results[0].status, StatusCode::kOk);
  EXPECT_EQ(results[1].status, StatusCode::kInvalidArgument);
  EXPECT_EQ(results[2].status, StatusCode::kInvalidArgument);
}

TEST_F(AppendAndPullTest, ManyTopicsKeepTheirMessagesApart) {
  constexpr int kTopics = 60;
  for (int round = 0; round < 5; ++round) {
    for (int t = 0; t < kTopics; ++t) {
      Put("topic-" + std::to_string(t), t % 3, std::to_string(t) + ":" + std::to_string(round));
    }
  }
  AwaitDispatched();
  for (int t = 0; t < kTopics; ++t) {
    const auto messages = ReadAll("topic-" + std::to_string(t), t % 3);
    ASSERT_EQ(messages.size(), 5u);
    for (int round = 0; round < 5; ++round) {
      EXPECT_EQ(messages[round].body, std::to_string(t) + ":" + std::to_string(round));
    }
  }
  EXPECT_EQ(store->Queues().size(), static_cast<size_t>(kTopics));
  EXPECT_EQ(store->Queues().front().topic, "topic-0");
}

TEST_F(AppendAndPullTest, RecordsAreReadByTheirPhysicalOffset) {
  Put("T", 0, "one");
  const AppendResult second = Put("T", 0, "two");
  std::vector<uint8_t> record;
  ASSERT_TRUE(store->ReadRecord(second.physical_offset, &record).ok());
  EXPECT_EQ(test::ParseAll(record).front().body, "two");
  EXPECT_EQ(store->ReadRecord(second.physical_offset + 1, &record).code(), StatusCode::kNotFound);
  EXPECT_EQ(store->ReadRecord({-5}, &record).code(), StatusCode::kNotFound);
}

TEST_F(AppendAndPullTest, ALeasedRecordStaysReadableBehindTheCloseAndTheLossOfItsFile) {
  Put("T", 0, "one");
  const AppendResult second = Put("T", 0, "two");
  RecordLease lease;
  ASSERT_TRUE(store->LeaseRecord(second.physical_offset, &lease).ok());
  EXPECT_EQ(lease.bytes.size(), second.size_bytes);
  RecordLease none;
  EXPECT_EQ(store->LeaseRecord(second.physical_offset + 1, &none).code(), StatusCode::kNotFound);
  EXPECT_EQ(none.pin, nullptr);
  Close();
  std::filesystem::remove_all(options.root + "/commitlog");
  EXPECT_EQ(test::ParseAll(lease.bytes).front().body, "two");
}

TEST_F(AppendAndPullTest, WatermarksAreOrdered) {
  const AppendResult put = Put("T", 0, "x");
  const PhysicalOffset end = put.physical_offset + put.size_bytes;
  EXPECT_EQ(store->watermarks().appended, end);
  store->RequestFlush(end);
  Await([&] { return store->watermarks().flushed == end; });
  Await([&] { return store->watermarks().dispatched == end; });
}

TEST_F(AppendAndPullTest, AWatchFiresOnceWhenTheQueueGrowsBeyondIt) {
  std::array<int32_t, 4> topics{}, queue_ids{};
  const TopicHandle topic = Topic("T");
  store->Watch(topic, 2, {0});
  EXPECT_EQ(store->TakeArrivals(topics, queue_ids), 0u);
  Put("T", 1, "other queue");
  AwaitDispatched();
  EXPECT_EQ(store->TakeArrivals(topics, queue_ids), 0u);
  Put("T", 2, "x");
  Await([&] { return arrivals_told() == 1; });
  ASSERT_EQ(store->TakeArrivals(topics, queue_ids), 1u);
  EXPECT_EQ(topics[0], topic.value);
  EXPECT_EQ(queue_ids[0], 2);
  Put("T", 2, "y");
  AwaitDispatched();
  EXPECT_EQ(store->TakeArrivals(topics, queue_ids), 0u);
  store->Watch(topic, 2, {1});  // already beyond
  EXPECT_EQ(arrivals_told(), 2);
  EXPECT_EQ(store->TakeArrivals(topics, queue_ids), 1u);
}

}  // namespace
}  // namespace apogee
