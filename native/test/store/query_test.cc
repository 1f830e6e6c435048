#include <gtest/gtest.h>

#include "test/support/store_harness.h"

namespace apogee {
namespace {

using test::Properties;

class StoreQueryTest : public testing::Test, public test::StoreHarness {
 protected:
  void SetUp() override { Open(); }
  int64_t ByTime(int64_t time_ms) { return store->OffsetByTime(Topic("T"), 0, time_ms).value; }
};

TEST_F(StoreQueryTest, OffsetByTimeIsJavas) {
  EXPECT_EQ(ByTime(clock.NowMs()), 0);
  const int64_t start = clock.NowMs();
  for (int i = 0; i < 30; ++i) {  // every 100 ms
    Put("T", 0, "x");
    clock.Advance(100);
  }
  AwaitDispatched();
  EXPECT_EQ(ByTime(0), 0);
  EXPECT_EQ(ByTime(start), 0);
  EXPECT_EQ(ByTime(start + 1200), 12);
  EXPECT_EQ(ByTime(start + 1249), 12);  // the nearer one
  EXPECT_EQ(ByTime(start + 1250), 12);  // the older one of two as near
  EXPECT_EQ(ByTime(start + 1251), 13);
  EXPECT_EQ(ByTime(start + 2900), 29);
  EXPECT_EQ(ByTime(start + 99999), 29);  // the last one
}

TEST_F(StoreQueryTest, StoreTimesAreReadFromTheRecords) {
  EXPECT_EQ(store->EarliestStoreTime(), -1);
  const int64_t start = clock.NowMs();
  Put("T", 0, "x");
  clock.Advance(500);
  Put("T", 0, "y");
  AwaitDispatched();
  EXPECT_EQ(store->EarliestStoreTime(), start);
  EXPECT_EQ(store->StoreTimeAt(Topic("T"), 0, {1}), start + 500);
  EXPECT_EQ(store->StoreTimeAt(Topic("T"), 0, {2}), -1);
  EXPECT_EQ(store->StoreTimeAt(Topic("T"), 0, {-1}), -1);
  EXPECT_EQ(store->StoreTimeAt(Topic("T"), 9, {0}), -1);
}

TEST_F(StoreQueryTest, BoundsAreThoseOfTheDispatchedQueue) {
  QueueBounds bounds;
  EXPECT_FALSE(store->Bounds(Topic("T"), 0, &bounds));
  PutMany("T", 3);
  AwaitDispatched();
  ASSERT_TRUE(store->Bounds(Topic("T"), 0, &bounds));
  EXPECT_EQ(bounds.min.value, 0);
  EXPECT_EQ(bounds.max.value, 3);
  EXPECT_FALSE(store->Bounds({77}, 0, &bounds));
}

TEST_F(StoreQueryTest, KeysLeadToRecordsNewestFirst) {
  const AppendResult a = Put("T", 0, "a", Properties({{"KEYS", "k1 k2"}, {"UNIQ_KEY", "U1"}}));
  clock.Advance(5000);
  const AppendResult b = Put("T", 1, "b", Properties({{"KEYS", "k2"}}));
  Put("Other", 0, "c", Properties({{"KEYS", "k2"}}));
  AwaitDispatched();
  const auto query = [&](std::string_view key, int64_t begin = 0, int64_t end = INT64_MAX,
                         int32_t count = 10) {
    return store->QueryByKey("T", key, count, begin, end).offsets;
  };
  EXPECT_EQ(query("k1"), (std::vector<PhysicalOffset>{a.physical_offset}));
  EXPECT_EQ(query("k2"), (std::vector<PhysicalOffset>{b.physical_offset, a.physical_offset}));
  EXPECT_EQ(query("k2", 0, INT64_MAX, 1), (std::vector<PhysicalOffset>{b.physical_offset}));
  EXPECT_EQ(query("k2", clock.NowMs() - 1000), (std::vector<PhysicalOffset>{b.physical_offset}));
  EXPECT_EQ(query("U1"), (std::vector<PhysicalOffset>{a.physical_offset}));
  EXPECT_TRUE(query("k3").empty());
  const QueryResult result = store->QueryByKey("T", "k3", 1, 0, INT64_MAX);
  EXPECT_EQ(result.index_last_update_time_ms, clock.NowMs());
  EXPECT_GT(result.index_last_update_physical_offset, b.physical_offset.value);
}

TEST_F(StoreQueryTest, WithoutIndexNothingIsFoundAndNoDirectoryMade) {
  Close();
  options.index_enabled = false;
  options.root = directory / "plain";
  Open();
  Put("T", 0, "a", Properties({{"KEYS", "k"}}));
  AwaitDispatched();
  EXPECT_TRUE(store->QueryByKey("T", "k", 10, 0, INT64_MAX).offsets.empty());
  EXPECT_FALSE(PosixStoreIo().Exists(options.root + "/index"));
}

}  // namespace
}  // namespace apogee
