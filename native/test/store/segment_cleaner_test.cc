#include "store/segment_cleaner.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

class SegmentCleanerTest : public testing::Test {
 protected:
  SegmentCleanerTest() {
    EXPECT_TRUE(PosixStoreIo().CreateDirectories(directory_ / "log").ok());
    EXPECT_TRUE(log_.Load().ok());
    for (int i = 0; i < 40; ++i) {
      MessageFields fields;
      fields.topic = "T";
      fields.body = body_;
      EXPECT_TRUE(log_.Append({&fields, 1}, &end_).ok());
    }
    durable_ = end_;
  }
  SegmentCleaner::Parts Parts() {
    return {log_,
            queues_,
            nullptr,
            [this] { return durable_; },
            [this](int64_t) { return going_on_; },
            [this](PhysicalOffset start) { removed_.push_back(start.value); }};
  }
  int64_t Delete(SegmentCleaner& cleaner, const SegmentCleaner::Rule& rule) {
    SegmentCleaner::Deleted deleted;
    const Status status = cleaner.Delete(rule, options_, &deleted);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return deleted.segments;
  }
  static SegmentCleaner::Rule Below(PhysicalOffset offset) {
    return {.by_age = false, .below = offset};
  }

  test::TempDirectory directory_;
  test::ManualClock clock_;
  CommitLog log_{PosixStoreIo(), clock_, {directory_ / "log", 4096}};
  TopicTable topics_;
  ConsumeQueueTable queues_{PosixStoreIo(), directory_ / "queues", 400, topics_};
  RetentionOptions options_;
  std::vector<uint8_t> body_ = std::vector<uint8_t>(1500);
  PhysicalOffset end_;
  PhysicalOffset durable_;
  bool going_on_ = true;
  std::vector<int64_t> removed_;
};

TEST_F(SegmentCleanerTest, DeletesWholeSegmentsOldestFirstAndTellsEach) {
  SegmentCleaner cleaner(Parts());
  EXPECT_EQ(Delete(cleaner, Below({3 * 4096 + 100})), 3);
  EXPECT_EQ(removed_, (std::vector<int64_t>{0, 4096, 8192}));
  EXPECT_EQ(log_.min_offset().value, 3 * 4096);
  EXPECT_FALSE(std::filesystem::exists(directory_ / ("log/" + SegmentName(0))));
}

TEST_F(SegmentCleanerTest, KeepsTheSegmentBeingWrittenAndDeletesTenAtATime) {
  SegmentCleaner cleaner(Parts());
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 10);
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 9);
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 0);
  EXPECT_EQ(log_.segments().files().size(), 1u);
}

TEST_F(SegmentCleanerTest, KeepsWhatIsNotDurableInTheQueues) {
  durable_ = {2 * 4096 + 10};
  SegmentCleaner cleaner(Parts());
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 2);
}

TEST_F(SegmentCleanerTest, EndsInTheMiddleWhenToldTo) {
  SegmentCleaner cleaner(Parts());
  going_on_ = false;
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 1);
}

TEST_F(SegmentCleanerTest, ASegmentThatAReaderHoldsStaysForSoLongAndItsBytesForEver) {
  SegmentCleaner cleaner(Parts());
  RecordRef held;
  ASSERT_TRUE(log_.Read({0}, 0, &held).ok());
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 0);
  clock_.Advance(options_.destroy_pinned_after_ms - 1);
  EXPECT_EQ(Delete(cleaner, Below({INT64_MAX})), 0);
  clock_.Advance(1);
  EXPECT_EQ(Delete(cleaner, Below({4096})), 1);
  EXPECT_EQ(ParseRecord(held.bytes, true).kind, RecordKind::kMessage);
}

TEST_F(SegmentCleanerTest, AgeIsThatOfTheNewestRecord) {
  SegmentCleaner cleaner(Parts());
  const int64_t stored_ms = clock_.NowMs();
  const SegmentCleaner::Rule before{.stored_until_ms = stored_ms - 1, .below = {INT64_MAX}};
  EXPECT_EQ(Delete(cleaner, before), 0);
  const SegmentCleaner::Rule at{.stored_until_ms = stored_ms, .below = {INT64_MAX}, .at_most = 99};
  EXPECT_EQ(Delete(cleaner, at), 19);
}

}  // namespace
}  // namespace apogee
