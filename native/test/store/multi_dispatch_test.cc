#include "store/multi_dispatch.h"

#include <gtest/gtest.h>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

std::string Text(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  return test::Properties(pairs);
}

std::string_view Offsets(const test::ReadMessage& message) {
  const size_t at = message.properties.find("INNER_MULTI_QUEUE_OFFSET\x01");
  if (at == std::string::npos) return {};
  const std::string_view value = std::string_view(message.properties).substr(at + 25);
  return value.substr(0, value.find('\x02'));
}

class MultiDispatchTest : public testing::Test {
 protected:
  void SetUp() override {
    harness_.options.multi_dispatch.enabled = true;
    harness_.options.multi_dispatch.lmq_enabled = true;
    harness_.Open();
  }
  AppendResult PutTo(std::string_view names, std::string_view body) {
    return harness_.Append(harness_.Request(
        "T", 3, body, text_ = Text({{"TAGS", "a"}, {kMultiDispatchProperty, names}})));
  }

  test::StoreHarness harness_;
  std::string text_;
};

TEST_F(MultiDispatchTest, AMessageStandsInItsOwnQueueAndInEachItNames) {
  EXPECT_EQ(PutTo("%LMQ%x,%LMQ%y", "one").status, StatusCode::kOk);
  EXPECT_EQ(PutTo("%LMQ%y", "two").status, StatusCode::kOk);
  harness_.AwaitDispatched();
  EXPECT_EQ(harness_.ReadAll("T", 3).size(), 2u);
  EXPECT_EQ(harness_.ReadAll("%LMQ%x", 0).size(), 1u);
  const auto messages = harness_.ReadAll("%LMQ%y", 0);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].body, "one");
  EXPECT_EQ(Offsets(messages[0]), "0,0");
  EXPECT_EQ(Offsets(messages[1]), "1");
}

TEST_F(MultiDispatchTest, OffsetsGoOnAfterAStopAndAfterAKill) {
  for (int i = 0; i < 3; ++i) PutTo("%LMQ%x", "before");
  harness_.Close();
  harness_.Open();
  PutTo("%LMQ%x", "after");
  harness_.AwaitDispatched();
  for (const bool queues_lost : {false, true}) {
    test::StoreHarness killed;
    killed.options.multi_dispatch = harness_.options.multi_dispatch;
    test::CopyStore(harness_.options.root, killed.options.root);
    if (queues_lost) std::filesystem::remove_all(killed.options.root + "/consumequeue");
    killed.Open();
    EXPECT_TRUE(killed.store->recovery().notes.empty());
    const auto messages = killed.ReadAll("%LMQ%x", 0);
    ASSERT_EQ(messages.size(), 4u);
    EXPECT_EQ(Offsets(messages[3]), "3");
  }
}

TEST_F(MultiDispatchTest, NamesThatAreNoneAndQueuesOverTheCapAreRefused) {
  for (const std::string_view names : {"Other", "%LMQ%x,T", "%LMQ%", "%LMQ%../x", ",%LMQ%x"}) {
    EXPECT_EQ(PutTo(names, "m").status, StatusCode::kInvalidArgument) << names;
  }
  harness_.Close();
  harness_.options.multi_dispatch.max_lmq_queues = 2;
  harness_.Open();
  EXPECT_EQ(PutTo("%LMQ%a,%LMQ%b", "m").status, StatusCode::kOk);
  TopicHandle before;
  TopicHandle after;
  ASSERT_TRUE(harness_.store->Intern("Before", &before).ok());
  EXPECT_EQ(PutTo("%LMQ%c", "m").status, StatusCode::kTooLarge);
  ASSERT_TRUE(harness_.store->Intern("After", &after).ok());
  EXPECT_EQ(after.value, before.value + 1) << "a refused name took a place";
  EXPECT_EQ(PutTo("%LMQ%b", "m").status, StatusCode::kOk);
  ASSERT_TRUE(harness_.RemoveTopic("%LMQ%a").ok());
  EXPECT_EQ(PutTo("%LMQ%c", "m").status, StatusCode::kOk);
}

TEST_F(MultiDispatchTest, WhatTheClientSaysAboutOffsetsIsReplaced) {
  harness_.Append(harness_.Request("T", 0, "m",
                                   text_ = Text({{kMultiQueueOffsetProperty, "77"},
                                                 {kMultiDispatchProperty, "%LMQ%x,%LMQ%x"}})));
  harness_.AwaitDispatched();
  const auto messages = harness_.ReadAll("%LMQ%x", 0);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(Offsets(messages[0]), "0,0");
  EXPECT_EQ(messages[0].properties.find("77"), std::string::npos);
}

TEST_F(MultiDispatchTest, WithoutTheOptionThePropertyIsLikeAnyOther) {
  harness_.Close();
  harness_.options.multi_dispatch = {};
  harness_.Open();
  PutTo("Other", "m");
  harness_.AwaitDispatched();
  EXPECT_EQ(harness_.store->Queues().size(), 1u);
}

TEST(LmqPlaces, NeedAsManyOffsetsAsNames) {
  EXPECT_EQ(LmqPlaces("%LMQ%a,%LMQ%b", "1,2").size(), 2u);
  for (const std::string_view offsets : {"1", "1,2,3", "1,x", "1,-2", ""}) {
    EXPECT_TRUE(LmqPlaces("%LMQ%a,%LMQ%b", offsets).empty()) << offsets;
  }
}

}  // namespace
}  // namespace apogee
