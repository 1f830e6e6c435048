#include "store/dispatch_item.h"

#include <gtest/gtest.h>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

DispatchItem Item(std::string_view topic, std::string_view properties, int32_t sys_flag = 0,
                  std::span<const int64_t> levels = {}) {
  RecordView record;
  record.kind = RecordKind::kMessage;
  record.size_bytes = 100;
  record.fields.topic = topic;
  record.fields.sys_flag = sys_flag;
  record.fields.store_time_ms = 5000;
  record.fields.physical_offset = {700};
  record.fields.properties = Bytes(properties);
  return MakeDispatchItem(record, levels);
}

TEST(DispatchProperties, AreReadAsByJava) {
  // The last of equal names counts; without name, value or separator there is no property.
  const auto found = ReadDispatchProperties(
      Bytes("TAGS\1a\2\1x\2KEYS\1\2TAGS\1b\2UNIQ_KEY\1u\1v\2DELAY\2\2KEYS\1k l\2"));
  EXPECT_EQ(found.tags, "b");
  EXPECT_EQ(found.keys, "k l");
  EXPECT_EQ(found.unique_key, "u\1v");
  EXPECT_EQ(found.delay_level, "");
  EXPECT_EQ(ReadDispatchProperties({}).tags, "");
}

TEST(DispatchItem, TagCodeIsTheHashOfTheTag) {
  EXPECT_EQ(Item("T", test::Properties({{"TAGS", "TagA"}})).entry.tag_code, 2598919);
  EXPECT_EQ(Item("T", "").entry.tag_code, 0);
  EXPECT_LT(Item("T", test::Properties({{"TAGS", "polygenelubricants"}})).entry.tag_code,
            0);  // sign-extended
  EXPECT_EQ(Item("T", "").entry, (ConsumeQueueEntry{{700}, 100, 0}));
}

TEST(DispatchItem, TagCodeOfADelayedMessageIsItsDeliveryTime) {
  const std::vector<int64_t> levels{1000, 5000};
  const auto code = [&](std::string_view topic, std::string_view level,
                        std::span<const int64_t> table) {
    return Item(topic, test::Properties({{"TAGS", "TagA"}, {"DELAY", level}}), 0, table)
        .entry.tag_code;
  };
  EXPECT_EQ(code("SCHEDULE_TOPIC_XXXX", "2", levels), 10000);
  EXPECT_EQ(code("SCHEDULE_TOPIC_XXXX", "99", levels), 10000);
  EXPECT_EQ(code("SCHEDULE_TOPIC_XXXX", "0", levels), 2598919);
  EXPECT_EQ(code("SCHEDULE_TOPIC_XXXX", "x", levels), 2598919);
  EXPECT_EQ(code("SCHEDULE_TOPIC_XXXX", "2", {}), 2598919);
  EXPECT_EQ(code("T", "2", levels), 2598919);
}

TEST(DispatchItem, TransactionTypeDecidesWhereARecordGoes) {
  EXPECT_TRUE(Item("T", "", 0).queued);
  EXPECT_FALSE(Item("T", "", kTransactionPrepared).queued);
  EXPECT_TRUE(Item("T", "", kTransactionPrepared).indexed);
  EXPECT_TRUE(Item("T", "", 2 << 2).queued);
  EXPECT_FALSE(Item("T", "", kTransactionRollback).queued);
  EXPECT_FALSE(Item("T", "", kTransactionRollback).indexed);
}

}  // namespace
}  // namespace apogee
