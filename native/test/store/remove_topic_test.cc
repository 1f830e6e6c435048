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
  // On a StoreIo that can be told to fail or to wait.
  void Reopen() {
    harness_.Close();
    harness_.io = &io_;
    harness_.Open();
  }
  void TearDown() override { harness_.Drop(); }  // before the StoreIo it uses
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
  ASSERT_TRUE(harness_.RemoveTopic("T").ok());
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
  ASSERT_TRUE(harness_.RemoveTopic("T").ok());
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
    ASSERT_TRUE(harness_.RemoveTopic("T").ok());
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
  EXPECT_EQ(harness_.RemoveTopic("T").code(), StatusCode::kIoError);
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
  EXPECT_TRUE(harness_.RemoveTopic("Nobody").ok());
  EXPECT_TRUE(harness_.RemoveTopic("../x").ok());
  harness_.Put("T", 0, "a");
  harness_.Close();
  EXPECT_EQ(harness_.RemoveTopic("T").code(), StatusCode::kClosed);
}

TEST_F(RemoveTopicTest, AppendsDoNotWaitForTheRemoval) {
  Reopen();
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  io_.Hold(test::IoCall::kRemove);
  uint64_t ticket = 0;
  ASSERT_TRUE(harness_.store->RemoveTopic("T", &ticket).ok());
  io_.WaitUntilHeld(test::IoCall::kRemove);
  EXPECT_EQ(harness_.Put("Other", 0, "x").queue_offset.value, 0);
  EXPECT_EQ(harness_.Put("T", 0, "new-0").queue_offset.value, 0);
  EXPECT_EQ(harness_.Put("T", 0, "new-1").queue_offset.value, 1);
  EXPECT_TRUE(harness_.store->TakeRetentionResults().empty());
  io_.Release(test::IoCall::kRemove);
  harness_.AwaitDispatched();
  EXPECT_EQ(Bodies("T"), (std::vector<std::string>{"new-0", "new-1"}));
  EXPECT_EQ(Bodies("Other").size(), 1u);
}

TEST_F(RemoveTopicTest, ARemovalThatIsOnlyBegunIsUndoneByACrash) {
  Reopen();
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  io_.Hold(test::IoCall::kRename);
  uint64_t ticket = 0;
  ASSERT_TRUE(harness_.store->RemoveTopic("T", &ticket).ok());
  io_.WaitUntilHeld(test::IoCall::kRename);
  test::StoreHarness killed;
  test::CopyStore(harness_.options.root, killed.options.root);
  io_.Release(test::IoCall::kRename);
  killed.Open();
  EXPECT_EQ(killed.ReadAll("T", 0).size(), 20u);
  EXPECT_EQ(killed.Put("T", 0, "next").queue_offset.value, 20);
}

// Otherwise a crash would find it where the queue has an old message.
TEST_F(RemoveTopicTest, AMessageIsRefusedWhileTheRemovalBeforeItCannotBeMadeDurable) {
  Reopen();
  harness_.PutMany("T", 3);
  harness_.AwaitDispatched();
  io_.FailAll(test::IoCall::kRename, ENOSPC);
  EXPECT_EQ(harness_.RemoveTopic("T").code(), StatusCode::kNoSpace);
  EXPECT_EQ(harness_.Append(harness_.Request("T", 0, "x")).status, StatusCode::kNoSpace);
  EXPECT_EQ(harness_.Put("Other", 0, "x").queue_offset.value, 0);
  io_.Pass(test::IoCall::kRename);
  EXPECT_EQ(harness_.Put("T", 0, "new").queue_offset.value, 0);
  harness_.AwaitDispatched();
  EXPECT_EQ(Bodies("T"), std::vector<std::string>{"new"});
  EXPECT_TRUE(harness_.RemoveTopic("T").ok());
}

TEST_F(RemoveTopicTest, MessagesThatStandWhereTheLogLostRemovedOnesAreKept) {
  harness_.Put("Keep", 0, "keep");
  const AppendResult first = harness_.Put("T", 0, "old");
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  ASSERT_TRUE(harness_.RemoveTopic("T").ok());
  test::StoreHarness lost;
  test::CopyStore(harness_.options.root, lost.options.root);
  const std::string log = lost.options.root + "/commitlog/00000000000000000000";
  const int64_t from = first.physical_offset.value;
  test::Overwrite(log, from, std::string(std::filesystem::file_size(log) - from, '\0'));
  std::filesystem::remove(lost.options.root + "/recovery-point");
  lost.Open();
  EXPECT_EQ(lost.Put("T", 0, "new").physical_offset, first.physical_offset);
  lost.AwaitDispatched();
  test::StoreHarness killed;
  test::CopyStore(lost.options.root, killed.options.root);
  std::filesystem::remove_all(killed.options.root + "/consumequeue");
  killed.Open();
  EXPECT_EQ(killed.ReadAll("T", 0).size(), 1u);
  EXPECT_EQ(killed.ReadAll("Keep", 0).size(), 1u);
}

TEST_F(RemoveTopicTest, AKillAfterARemovalDoesNotReadTheWholeLog) {
  harness_.Close();
  harness_.options.consume_queue_flush_interval_ms = 3'600'000;
  harness_.Open();
  harness_.PutMany("Other", 50);
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  ASSERT_TRUE(harness_.RemoveTopic("T").ok());
  harness_.Await([&] {
    test::StoreHarness killed;
    test::CopyStore(harness_.options.root, killed.options.root);
    killed.Open();
    return killed.store->recovery().dispatched_from.value > 0;
  });
}

TEST_F(RemoveTopicTest, ACloseEndsWhatIsUnderWay) {
  Reopen();
  harness_.PutMany("T", 20);
  harness_.AwaitDispatched();
  io_.Hold(test::IoCall::kRemove);
  uint64_t ticket = 0;
  ASSERT_TRUE(harness_.store->RemoveTopic("T", &ticket).ok());
  io_.WaitUntilHeld(test::IoCall::kRemove);
  io_.Release(test::IoCall::kRemove);
  harness_.Close();
  EXPECT_FALSE(std::filesystem::exists(QueueDirectory("T")));
  harness_.Open();
  EXPECT_EQ(harness_.Put("T", 0, "new").queue_offset.value, 0);
}

// For the thread sanitizer above all.
TEST_F(RemoveTopicTest, MessagesGoOnWhileTheirTopicIsRemovedAgainAndAgain) {
  const TopicHandle topic = harness_.Topic("T");
  std::vector<uint64_t> tickets;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 7; ++i) {
      const AppendResult result = harness_.Put("T", i % 3, std::to_string(round));
      EXPECT_EQ(result.queue_offset.value, i / 3);
    }
    ASSERT_TRUE(harness_.store->RemoveTopic("T", &tickets.emplace_back()).ok());
  }
  harness_.Put("T", 0, "last");
  size_t taken = 0;
  harness_.Await([&] {
    for (const RetentionResult& result : harness_.store->TakeRetentionResults()) {
      EXPECT_TRUE(result.status.ok()) << result.status.ToString();
      ++taken;
    }
    return taken == tickets.size();
  });
  harness_.AwaitDispatched();
  EXPECT_EQ(Bodies("T"), std::vector<std::string>{"last"});
  QueueBounds bounds;
  EXPECT_FALSE(harness_.store->Bounds(topic, 1, &bounds));
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
    ASSERT_TRUE(harness_.RemoveTopic("T").ok());
  }
  done.store(true);
  reader.join();
}

}  // namespace
}  // namespace apogee
