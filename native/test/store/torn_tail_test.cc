#include <gtest/gtest.h>

#include "log/mapped_file_queue.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

constexpr int64_t kPageBytes = 4096;

// What power losses in the middle of a write leave, by hand; found by PowerLossTest.
class TornTailTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override { Open(); }

  // A record of the topic T that ends `end` bytes into the log, which has one record at most.
  AppendResult PutUpTo(int64_t end, std::string_view properties = {}) {
    const int64_t begin = store->watermarks().appended.value;
    const auto empty = static_cast<int64_t>(kEmptyRecordBytes + properties.size());
    return Put("T", 0, std::string(static_cast<size_t>(end - begin - empty), 'b'), properties);
  }
  // The disk as it is now, later parts of the log's page `page` never written.
  void LosePowerWithout(int64_t from, int64_t page) {
    const std::string after = directory / "after";
    test::CopyStore(options.root, after);
    Drop();
    options.root = after;
    const int64_t end = (page + 1) * kPageBytes;
    test::Overwrite(options.root + "/commitlog/" + SegmentName(0), from,
                    std::string(static_cast<size_t>(end - from), '\0'));
  }
  static constexpr int64_t kEmptyRecordBytes = 92;  // with a topic of one byte
};

TEST_F(TornTailTest, APageThatStayedAsItWasWhenItsLastRecordWasWrittenIsAHole) {
  const int64_t first_end = kPageBytes - 291;  // less than a sector in front of the page's end
  PutUpTo(first_end);
  ASSERT_EQ(store->watermarks().appended.value, first_end);
  PutUpTo(6400);
  PutUpTo(9000);
  LosePowerWithout(first_end, 0);
  ASSERT_TRUE(TryOpen().ok());
  EXPECT_EQ(store->recovery().end.value, first_end);
  EXPECT_EQ(ReadAll("T", 0).size(), 1u);
}

TEST_F(TornTailTest, ARecordWithoutTheEndOfItsPropertiesIsNotTaken) {
  PutUpTo(2000);
  const std::string properties = test::Properties({{"KEYS", "a-key-of-some-length"}});
  PutUpTo(kPageBytes + 5, properties);
  LosePowerWithout(kPageBytes, 1);
  ASSERT_TRUE(TryOpen().ok());
  EXPECT_EQ(store->recovery().end.value, 2000);
  EXPECT_EQ(ReadAll("T", 0).size(), 1u);
}

TEST_F(TornTailTest, ARecordWithoutTheEndOfItsPropertiesIsNotServedByALaterOpeningEither) {
  PutUpTo(2000);
  const std::string properties = test::Properties({{"KEYS", "a-key-of-some-length"}});
  PutUpTo(kPageBytes + 5, properties);
  PutUpTo(9000);
  PutUpTo(10000);
  LosePowerWithout(kPageBytes, 1);
  options.flush.mode = FlushMode::kSync;  // nothing behind a hole is cut
  for (int i = 0; i < 2; ++i) {
    Open();
    EXPECT_EQ(store->recovery().damaged_ranges, i == 0 ? 1 : 0);
    std::vector<uint8_t> record;
    EXPECT_EQ(store->ReadRecord({2000}, &record).code(), StatusCode::kNotFound);
    EXPECT_EQ(ReadAll("T", 0).size(), 2u);
    Close();
  }
}

// Its last bytes, the length of the properties, are zeros of their own.
TEST_F(TornTailTest, ARecordWithoutPropertiesMayEndAnywhereInASector) {
  for (int end = 510; end <= 520; ++end) {
    SCOPED_TRACE(end);
    const int64_t begin = store->watermarks().appended.value;
    PutUpTo((begin + 511) / 512 * 512 + end);
  }
  AwaitDispatched();
  LosePowerWithout(store->watermarks().appended.value, 3);
  ASSERT_TRUE(TryOpen().ok());
  EXPECT_EQ(store->recovery().damaged_ranges, 0);
  EXPECT_EQ(ReadAll("T", 0).size(), 11u);
}

}  // namespace
}  // namespace apogee
