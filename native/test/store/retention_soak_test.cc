#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

constexpr int kQueues = 3;
constexpr int kMessages = 12000;

std::string BodyOf(int64_t queue_offset) {
  return std::to_string(queue_offset) + std::string(static_cast<size_t>(queue_offset % 700), 'x');
}

// Reads one queue as a consumer does that may fall behind what is kept: every message it gets is
// whole and the one it should be, and it never goes back.
void Consume(const MessageStore& store, TopicHandle topic, int32_t queue_id,
             const std::atomic<bool>& appending) {
  std::vector<uint8_t> into(64 * 1024);
  int64_t next = 0;
  for (bool more = true; more;) {
    const bool last_looks = !appending.load();
    PullRequest request;
    request.topic = topic;
    request.queue_id = queue_id;
    request.from = {next};
    const PullResult pulled = store.Pull(request, into);
    for (const test::ReadMessage& message : test::ParseAll({into.data(), pulled.size_bytes})) {
      ASSERT_GE(message.queue_offset, next);
      ASSERT_EQ(message.queue_id, queue_id);
      ASSERT_EQ(message.body, BodyOf(message.queue_offset));
      next = message.queue_offset + 1;
    }
    const bool at_end = pulled.status == PullStatus::kOffsetOverflowOne ||
                        pulled.status == PullStatus::kNoMatchedQueue;
    if (!at_end && pulled.status != PullStatus::kFound) {
      ASSERT_TRUE(pulled.next_begin.value >= next || pulled.max.value < next);
      next = std::max(next, pulled.next_begin.value);
    }
    store.QueryByKey("T", "k", 8, 0, INT64_MAX);
    store.OffsetByTime(topic, queue_id, 1700000000000);
    store.retention();
    QueueBounds bounds;
    ASSERT_TRUE(!store.Bounds(topic, queue_id, &bounds) || bounds.min <= bounds.max);
    more = !(last_looks && at_end);
  }
}

// Meant for ThreadSanitizer as much as for its expectations.
TEST(RetentionSoak, MessagesAreAppendedPulledAndTrimmedAtTheSameTime) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  test::StoreHarness harness;
  harness.options.segment_bytes = 64 * 1024;
  harness.options.consume_queue_file_bytes = 2000;
  harness.options.index_items = 500;
  harness.options.consume_queue_flush_interval_ms = 1;
  harness.options.flush.interval_ms = 1;
  harness.options.retention.clean_interval_ms = 1;
  harness.options.retention.space_interval_ms = 1;
  harness.options.retention.delete_segment_interval_ms = 0;
  harness.options.retention.delete_queue_files_interval_ms = 0;
  harness.options.retention.reserved_ms = 2000;
  harness.options.retention.delete_hours = 0xFFFFFF;
  harness.Open();
  const TopicHandle topic = harness.Topic("T");
  MessageStore& store = *harness.store;
  uint64_t ticket = 0;
  ASSERT_TRUE(store
                  .RequestRetention({.kind = RetentionRequest::Kind::kSetTopic,
                                     .topic = "T",
                                     .topic_retention = {.time_ms = 1500, .bytes = 1'000'000}},
                                    &ticket)
                  .ok());

  std::atomic<bool> appending{true};
  std::vector<std::thread> consumers;
  for (int32_t q = 0; q < kQueues; ++q) {
    consumers.emplace_back([&, q] { Consume(store, topic, q, appending); });
  }
  std::array<int64_t, kQueues> put{};
  const std::string keys = test::Properties({{"KEYS", "k"}});
  for (int i = 0; i < kMessages; ++i) {
    const auto q = static_cast<int32_t>(random() % kQueues);
    const AppendResult result = harness.Put("T", q, BodyOf(put[q]), keys);
    ASSERT_EQ(result.queue_offset.value, put[q]++);
    if (random() % 4 == 0) harness.clock.Advance(1);
    if (random() % 1000 == 0) {
      const PhysicalOffset behind = result.physical_offset + -200'000;
      ASSERT_TRUE(store
                      .RequestRetention({.kind = RetentionRequest::Kind::kTruncateBefore,
                                         .offset = {std::max<int64_t>(behind.value, 0)}},
                                        &ticket)
                      .ok());
    }
  }
  appending = false;
  for (std::thread& consumer : consumers) consumer.join();
  EXPECT_TRUE(store.failure().ok());
  harness.Await([&] { return store.retention().deleted_segments > 5; });
  EXPECT_EQ(store.retention().problem, "");

  harness.Close();
  harness.Open();
  EXPECT_TRUE(harness.store->recovery().clean);
  for (int32_t q = 0; q < kQueues; ++q) {
    QueueBounds bounds;
    ASSERT_TRUE(harness.store->Bounds(harness.Topic("T"), q, &bounds));
    EXPECT_EQ(bounds.max.value, put[q]);
    for (const test::ReadMessage& message : harness.ReadAll("T", q)) {
      ASSERT_EQ(message.body, BodyOf(message.queue_offset));
    }
    EXPECT_EQ(harness.Put("T", q, "next").queue_offset.value, put[q]);
  }
}

}  // namespace
}  // namespace apogee
