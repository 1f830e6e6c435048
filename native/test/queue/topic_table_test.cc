#include "queue/topic_table.h"

#include <gtest/gtest.h>

namespace apogee {
namespace {

TEST(TopicTable, SameNameHasSameHandle) {
  TopicTable topics;
  TopicHandle a, b, again;
  ASSERT_TRUE(topics.Intern("A", &a).ok());
  ASSERT_TRUE(topics.Intern("%RETRY%g|1_x-y", &b).ok());
  ASSERT_TRUE(topics.Intern("A", &again).ok());
  EXPECT_EQ(a.value, 0);
  EXPECT_EQ(b.value, 1);
  EXPECT_EQ(again, a);
  EXPECT_EQ(topics.Name(b), "%RETRY%g|1_x-y");
  EXPECT_EQ(topics.Name({7}), "");
  EXPECT_EQ(topics.Name({-1}), "");
}

TEST(TopicTable, RefusesWhatMustNotBecomeADirectory) {
  TopicTable topics;
  TopicHandle handle;
  for (const std::string& name :
       {std::string(), std::string("../x"), std::string("a/b"), std::string("."),
        std::string("a b"), std::string("a\0b", 3), std::string("\x01"), std::string("\xC3\xA9"),
        std::string(128, 'a')}) {
    EXPECT_EQ(topics.Intern(name, &handle).code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(topics.Intern(std::string(127, 'a'), &handle).ok());
}

}  // namespace
}  // namespace apogee
