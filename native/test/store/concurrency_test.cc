#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

// Meant for ThreadSanitizer as much as for its expectations.
TEST(StoreConcurrency, PullsQueriesAndWatchesRunBesideAppends) {
  constexpr int kMessages = 4000;
  test::StoreHarness harness;
  harness.options.segment_bytes = 256 * 1024;
  harness.options.consume_queue_file_bytes = 4000;
  harness.options.index_items = 3000;
  harness.options.index_slots = 500;
  harness.options.flush.mode = FlushMode::kSync;
  harness.options.consume_queue_flush_interval_ms = 1;
  harness.Open();
  const TopicHandle topic = harness.Topic("T");
  MessageStore& store = *harness.store;

  const auto consume = [&](int32_t queue_id) {
    std::vector<uint8_t> into(64 * 1024);
    std::array<int32_t, 4> topics{}, queue_ids{};
    int64_t next = 0;
    while (next < kMessages / 2) {
      PullRequest request;
      request.topic = topic;
      request.queue_id = queue_id;
      request.from = {next};
      const PullResult pulled = store.Pull(request, into);
      for (const test::ReadMessage& message : test::ParseAll({into.data(), pulled.size_bytes})) {
        ASSERT_EQ(message.queue_offset, next++);
        ASSERT_EQ(message.queue_id, queue_id);
      }
      if (pulled.count > 0) continue;
      store.Watch(topic, queue_id, {next});
      store.TakeArrivals(topics, queue_ids);
      const Watermarks marks = store.watermarks();
      ASSERT_LE(marks.flushed, marks.appended);
      ASSERT_LE(marks.dispatched, marks.appended);
      store.QueryByKey("T", "k" + std::to_string(next), 32, 0, INT64_MAX);
      store.OffsetByTime(topic, queue_id, harness.clock.NowMs() - 5);
      store.EarliestStoreTime();
      std::this_thread::yield();
    }
  };
  std::thread first(consume, 0);
  std::thread second(consume, 1);
  for (int i = 0; i < kMessages; ++i) {
    const AppendResult put =
        harness.Put("T", i % 2, "body", test::Properties({{"KEYS", "k" + std::to_string(i / 2)}}));
    if (i % 16 == 0) store.RequestFlush(put.physical_offset + put.size_bytes);
    harness.clock.Advance(1);
  }
  first.join();
  second.join();
  harness.AwaitDispatched();
  EXPECT_EQ(store.QueryByKey("T", "k77", 32, 0, INT64_MAX).offsets.size(), 2u);
  harness.Close();
  harness.Open();
  EXPECT_EQ(harness.ReadAll("T", 1).size(), static_cast<size_t>(kMessages / 2));
}

// Pauses of all lengths, so that the append meets the dispatcher busy, dozing and asleep: that comes
// after ten milliseconds.
TEST(StoreConcurrency, EachAppendThatSomebodyWaitsForIsTold) {
  constexpr int kMessages = 400;
  test::StoreHarness harness;
  harness.Open();
  harness.store->SetHurry(true);
  const TopicHandle topic = harness.Topic("T");
  std::array<int32_t, 4> topics{}, queue_ids{};
  for (int i = 0; i < kMessages; ++i) {
    const auto pause = std::chrono::microseconds(i % 40 * (i % 3 == 0 ? 370 : 37));
    if (i % 2 == 0) std::this_thread::sleep_for(pause);
    harness.store->Watch(topic, 0, {i});
    if (i % 2 == 1) std::this_thread::sleep_for(pause);
    harness.Put("T", 0, "x");
    harness.Await([&] { return harness.arrivals_told() == i + 1; });
    ASSERT_EQ(harness.store->TakeArrivals(topics, queue_ids), 1u);
  }
}

TEST(StoreConcurrency, ClosingBesideReadersIsSafe) {
  for (int round = 0; round < 10; ++round) {
    test::StoreHarness harness;
    harness.Open();
    harness.PutMany("T", 50);
    const TopicHandle topic = harness.Topic("T");
    std::atomic<bool> stop{false};
    std::thread reader([&] {
      std::vector<uint8_t> into(8192);
      while (!stop) {
        PullRequest request;
        request.topic = topic;
        harness.store->Pull(request, into);
        harness.store->Watch(topic, 0, {1000});
        harness.store->RequestFlush(harness.store->watermarks().appended);
      }
    });
    std::thread closer([&] { harness.Close(); });
    harness.Close();
    closer.join();
    stop = true;
    reader.join();
  }
}

}  // namespace
}  // namespace apogee
