#include "queue/consume_queue_table.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "test/support/temp_directory.h"

namespace apogee {
namespace {

TEST(ConsumeQueueTable, LoadsQueuesAndReportsHostileNames) {
  test::TempDirectory directory;
  for (const char* path :
       {"A/0", "A/12", "A/-1", "A/007", "A/x", "A/99999999999", "b c/0", "\x01weird/0"}) {
    std::filesystem::create_directories(directory / path);
  }
  std::filesystem::create_symlink("/nowhere", directory / "dangling");
  TopicTable topics;
  ConsumeQueueTable queues(PosixStoreIo(), directory.path(), 100, topics);
  ConsumeQueueTable::LoadReport report;
  ASSERT_TRUE(queues.Load(&report).ok());
  EXPECT_EQ(queues.All().size(), 2u);
  TopicHandle a;
  ASSERT_TRUE(topics.Find("A", &a));
  EXPECT_NE(queues.Find({a, 0}), nullptr);
  EXPECT_NE(queues.Find({a, 12}), nullptr);
  EXPECT_EQ(queues.Find({a, 1}), nullptr);
  EXPECT_EQ(report.ignored.size(), 6u);
  for (const std::string& sentence : report.ignored)
    EXPECT_EQ(sentence.find('\x01'), std::string::npos);
}

TEST(ConsumeQueueTable, RefusesUnknownTopicsAndNegativeQueues) {
  test::TempDirectory directory;
  TopicTable topics;
  TopicHandle a;
  ASSERT_TRUE(topics.Intern("A", &a).ok());
  ConsumeQueueTable queues(PosixStoreIo(), directory.path(), 100, topics);
  ConsumeQueue* queue = nullptr;
  EXPECT_EQ(queues.FindOrCreate({{5}, 0}, &queue).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(queues.FindOrCreate({a, -1}, &queue).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(queues.FindOrCreate({a, 3}, &queue).ok());
  EXPECT_EQ(queues.Find({a, 3}), queue);
  EXPECT_EQ(queue->directory(), directory / "A/3");
}

}  // namespace
}  // namespace apogee
