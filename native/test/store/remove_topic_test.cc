#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

class RemoveTopicTest : public testing::Test {
 protected:
  void SetUp() override { harness_.Open(); }
  std::string QueueDirectory(const std::string& topic) {
    return harness_.options.root + "/consumequeue/" + topic;
  }
  std::vector<std::string> Bodies(std::string_view topic) {
    std::vector<std::string> bodies;
    for (const auto& message : harness_.ReadAll(topic, 0)) bodies.push_back(message.body);
    return bodies;
  }

  test::FaultyStoreIo io_{PosixStoreIo()};
  test::StoreHarness harness_;
};

TEST_F(RemoveTopicTest, ItsQueueFilesGoAndANewTopicOfThatNameStartsAtZero) {
  harness_.PutMany("T", 20);
  harness_.PutMany("Other", 3);
  harness_.AwaitDispatched();
  ASSERT_TRUE(harness_.store->RemoveTopic("T").ok());
  EXPECT_FALSE(std::filesystem::exists(QueueDirectory("T")));
  EXPECT_TRUE(std::filesystem::exists(QueueDirectory("Other")));
  EXPECT_EQ(harness_.store->Queues().size(), 1u);
  QueueBounds bounds;
  EXPECT_FALSE(harness_.store->Bounds(harness_.Topic("T"), 0, &bounds));
  EXPECT_EQ(harness_.Put("T", 0, "new").queue_offset.value, 0);
  harness_.AwaitDispatched();
  EXPECT_EQ(Bodies("T"), std::vector<std::string>{"new"});
  EXPECT_EQ(Bodies("Other").size(), 3u);
}

TEST_F(RemoveTopicTest, OldMessagesStayGoneWhateverEndsTheStore) {
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  ASSERT_TRUE(harness_.store->RemoveTopic("T").ok());
  harness_.Put("T", 0, "new-0");
  harness_.Put("T", 0, "new-1");
  harness_.AwaitDispatched();
  for (const bool queues_lost : {false, true}) {
    test::StoreHarness killed;
    test::CopyStore(harness_.options.root, killed.options.root);
    if (queues_lost) std::filesystem::remove_all(killed.options.root + "/consumequeue");
    killed.Open();
    const auto messages = killed.ReadAll("T", 0);
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].body, "new-0");
    EXPECT_EQ(killed.Put("T", 0, "new-2").queue_offset.value, 2);
  }
}

TEST_F(RemoveTopicTest, MessagesNotYetDispatchedGoWithTheTopic) {
  for (int round = 0; round < 20; ++round) {
    harness_.PutMany("T", 50);
    ASSERT_TRUE(harness_.store->RemoveTopic("T").ok());
    EXPECT_EQ(harness_.Put("T", 0, "new").queue_offset.value, 0);
  }
  harness_.AwaitDispatched();
  EXPECT_EQ(Bodies("T"), std::vector<std::string>{"new"});
}

TEST_F(RemoveTopicTest, ARemovalThatACrashEndedIsFinishedByTheNextOpening) {
  harness_.Put("T", 0, "old");
  harness_.Put("T", 1, "old");
  harness_.Close();
  harness_.io = &io_;
  harness_.Open();
  io_.FailAll(test::IoCall::kRemove, EIO);
  EXPECT_EQ(harness_.store->RemoveTopic("T").code(), StatusCode::kIoError);
  EXPECT_TRUE(std::filesystem::exists(QueueDirectory("T")));
  test::StoreHarness killed;
  test::CopyStore(harness_.options.root, killed.options.root);
  io_.Pass(test::IoCall::kRemove);
  killed.Open();
  EXPECT_TRUE(killed.store->Queues().empty());
  EXPECT_EQ(killed.Put("T", 0, "new").queue_offset.value, 0);
  killed.AwaitDispatched();
  EXPECT_EQ(killed.ReadAll("T", 0).size(), 1u);
}

TEST_F(RemoveTopicTest, AnUnknownTopicIsNoErrorAndAClosedStoreIs) {
  EXPECT_TRUE(harness_.store->RemoveTopic("Nobody").ok());
  EXPECT_TRUE(harness_.store->RemoveTopic("../x").ok());
  harness_.Put("T", 0, "a");
  harness_.Close();
  EXPECT_EQ(harness_.store->RemoveTopic("T").code(), StatusCode::kClosed);
}

// For the thread sanitizer above all.
TEST_F(RemoveTopicTest, PullsGoOnWhileTopicsComeAndGo) {
  std::atomic<bool> done{false};
  const TopicHandle topic = harness_.Topic("T");
  std::thread reader([&] {
    std::vector<uint8_t> into(65536);
    while (!done.load()) {
      PullRequest request;
      request.topic = topic;
      request.from = {3};
      harness_.store->Pull(request, into);
    }
  });
  for (int round = 0; round < 30; ++round) {
    harness_.PutMany("T", 40);
    if (round % 2 == 0) harness_.AwaitDispatched();
    ASSERT_TRUE(harness_.store->RemoveTopic("T").ok());
  }
  done.store(true);
  reader.join();
}

}  // namespace
}  // namespace apogee
