#include "queue/queue_mappings.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "queue/consume_queue_table.h"
#include "test/support/faulty_store_io.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

constexpr uint32_t kFile = 100;  // five entries
constexpr size_t kCap = 4;

ConsumeQueueEntry Entry(int64_t n) { return {{n * 100}, 100, n}; }

class QueueMappingsTest : public testing::Test {
 protected:
  ConsumeQueue* Queue(ConsumeQueueTable& table, std::string_view topic, int32_t queue_id) {
    TopicHandle handle;
    EXPECT_TRUE(topics_.Intern(topic, &handle).ok());
    ConsumeQueue* queue = nullptr;
    EXPECT_TRUE(table.FindOrCreate({handle, queue_id}, &queue).ok());
    return queue;
  }
  static void Fill(ConsumeQueue& queue, int64_t from, int64_t to) {
    for (int64_t n = from; n < to; ++n) ASSERT_TRUE(queue.Append(Entry(n)).ok());
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  TopicTable topics_;
};

TEST_F(QueueMappingsTest, ALoadMapsNothingAndRecoveryNeedsNoMappingForTheEnds) {
  {
    ConsumeQueueTable table(io_, directory_.path(), kFile, topics_);
    for (int32_t id = 0; id < 3; ++id) Fill(*Queue(table, "T", id), 0, 12);
  }
  const int mapped = io_.calls(test::IoCall::kMap);
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_);
  ConsumeQueueTable::LoadReport report;
  ASSERT_TRUE(table.Load(&report).ok());
  for (ConsumeQueue* queue : table.All()) {
    ConsumeQueueEntry entry;
    EXPECT_EQ(queue->max().value, 12);
    ASSERT_TRUE(queue->Get({11}, &entry));
    EXPECT_EQ(entry, Entry(11));
    queue->CorrectMin({0});
    EXPECT_EQ(queue->min().value, 0);
  }
  EXPECT_EQ(io_.calls(test::IoCall::kMap), mapped);
  EXPECT_EQ(table.mappings().kept(), 0u);
}

TEST_F(QueueMappingsTest, TheCapHoldsAndWhatWasUnmappedComesBack) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_, kCap);
  std::vector<ConsumeQueue*> queues;
  for (int32_t id = 0; id < 20; ++id) queues.push_back(Queue(table, "T", id));
  for (int64_t n = 0; n < 7; ++n) {
    for (ConsumeQueue* queue : queues) ASSERT_TRUE(queue->Append(Entry(n)).ok());
    EXPECT_LE(table.mappings().kept(), kCap);
  }
  for (ConsumeQueue* queue : queues) {
    ConsumeQueueEntry entry;
    for (int64_t n = 0; n < 7; ++n) {
      ASSERT_TRUE(queue->Get({n}, &entry));
      EXPECT_EQ(entry, Entry(n));
    }
    EXPECT_LE(table.mappings().kept(), kCap);
  }
}

TEST_F(QueueMappingsTest, AHeldFileStaysMappedAndReadable) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_, kCap);
  ConsumeQueue* held_queue = Queue(table, "Held", 0);
  Fill(*held_queue, 0, 5);
  const QueueEntries held = held_queue->Read({0});
  for (int32_t id = 0; id < 20; ++id) Fill(*Queue(table, "T", id), 0, 1);
  EXPECT_EQ(held[4], Entry(4));
  const int mapped = io_.calls(test::IoCall::kMap);
  EXPECT_EQ(held_queue->Read({0}).file, held.file);
  EXPECT_EQ(io_.calls(test::IoCall::kMap), mapped);
}

TEST_F(QueueMappingsTest, AFlushSyncsWhatIsDirtyAlsoWhenItIsMappedNoMore) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_, kCap);
  for (int32_t id = 0; id < 20; ++id) Fill(*Queue(table, "T", id), 0, 1);
  const int syncs = io_.calls(test::IoCall::kSync);
  const int mapping_syncs = io_.calls(test::IoCall::kMappingSync);
  ASSERT_TRUE(table.Flush(1000).ok());  // none has so much
  EXPECT_EQ(io_.calls(test::IoCall::kSync), syncs);
  ASSERT_TRUE(table.Flush(1).ok());
  EXPECT_EQ(io_.calls(test::IoCall::kMappingSync) - mapping_syncs, static_cast<int>(kCap));
  EXPECT_EQ(io_.calls(test::IoCall::kSync) - syncs, 20 - static_cast<int>(kCap));
  ASSERT_TRUE(table.Flush(1).ok());
  EXPECT_EQ(io_.calls(test::IoCall::kSync) - syncs, 20 - static_cast<int>(kCap));
  Fill(*Queue(table, "T", 3), 1, 2);
  ASSERT_TRUE(table.Flush(1).ok());
  EXPECT_EQ(Queue(table, "T", 3)->unflushed_bytes(), 0);
}

TEST_F(QueueMappingsTest, RunningOutOfMappingsGivesBackIdleOnes) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_);
  for (int32_t id = 0; id < 5; ++id) Fill(*Queue(table, "T", id), 0, 1);
  EXPECT_EQ(table.mappings().kept(), 5u);
  io_.Fail(test::IoCall::kMap, 1, ENOMEM);
  Fill(*Queue(table, "T", 9), 0, 1);
  EXPECT_EQ(table.mappings().kept(), 1u);
}

TEST_F(QueueMappingsTest, ARemovedTopicLeavesNoFileAndStartsAtZeroAgain) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_);
  for (int32_t id = 0; id < 3; ++id) Fill(*Queue(table, "T", id), 0, 12);
  Fill(*Queue(table, "Other", 0), 0, 1);
  ConsumeQueue* queue = Queue(table, "T", 1);
  const QueueEntries held = queue->Read({5});
  ASSERT_TRUE(table.RemoveTopic(queue->id().topic).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ / "T"));
  EXPECT_EQ(table.Find(queue->id()), nullptr);
  EXPECT_EQ(table.All().size(), 1u);
  EXPECT_EQ(held[0], Entry(5));
  EXPECT_EQ(queue->Read({0}).count, 0);
  ASSERT_TRUE(table.Flush(1).ok());
  EXPECT_EQ(Queue(table, "T", 1), queue);
  EXPECT_EQ(queue->max().value, 0);
  Fill(*queue, 0, 1);
  EXPECT_EQ(queue->min().value, 0);
  EXPECT_EQ(queue->max().value, 1);
  EXPECT_EQ(queue->unflushed_bytes(), 20);
}

TEST_F(QueueMappingsTest, FilesBelowGoWhileTheRestStays) {
  QueueMappings mappings;
  QueueFiles files(io_, mappings, directory_ / "q", kFile);
  std::shared_ptr<QueueFile> file;
  for (int64_t at = 0; at < 300; at += 100) ASSERT_TRUE(files.Writable(at, 20, &file).ok());
  EXPECT_EQ(files.RemoveFirstBefore(99).code(), StatusCode::kNotFound);
  ASSERT_TRUE(files.RemoveFirstBefore(1000).ok());
  ASSERT_TRUE(files.RemoveFirstBefore(1000).ok());
  EXPECT_EQ(files.RemoveFirstBefore(1000).code(), StatusCode::kNotFound);
  EXPECT_EQ(files.begin(), 200);
  EXPECT_EQ(files.Find(199), nullptr);
  EXPECT_NE(files.Find(299), nullptr);
  EXPECT_TRUE(files.Sync(0, 300).ok());
}

// For the thread sanitizer above all.
TEST_F(QueueMappingsTest, PullsAppendsFlushesAndEvictionsGoTogether) {
  ConsumeQueueTable table(io_, directory_.path(), kFile, topics_, kCap);
  constexpr int32_t kQueues = 12;
  constexpr int64_t kEntries = 200;
  std::vector<ConsumeQueue*> queues;
  for (int32_t id = 0; id < kQueues; ++id) queues.push_back(Queue(table, "T", id));
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&, reader] {
      uint64_t turn = static_cast<uint64_t>(reader);
      while (!done.load()) {
        const ConsumeQueue& queue = *queues[turn % kQueues];
        const int64_t max = queue.max().value;
        const int64_t from = max == 0 ? 0 : static_cast<int64_t>(turn * 7 % uint64_t(max));
        const QueueEntries entries = queue.Read({from});
        for (int64_t i = 0; i < entries.count; ++i) EXPECT_EQ(entries[i], Entry(from + i));
        ++turn;
      }
    });
  }
  threads.emplace_back([&] {
    while (!done.load()) EXPECT_TRUE(table.Flush(1).ok());
  });
  for (int64_t n = 0; n < kEntries; ++n) {
    for (ConsumeQueue* queue : queues) ASSERT_TRUE(queue->Append(Entry(n)).ok());
  }
  done.store(true);
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(table.Flush(1).ok());
  for (const ConsumeQueue* queue : queues) EXPECT_EQ(queue->unflushed_bytes(), 0);
}

}  // namespace
}  // namespace apogee
