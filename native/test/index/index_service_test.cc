#include "index/index_service.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "test/support/faulty_store_io.h"
#include "test/support/manual_clock.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

constexpr IndexSize kSize{16, 8};  // seven items a file

class IndexServiceTest : public testing::Test {
 protected:
  IndexServiceTest() { Reopen(); }
  void Reopen() {
    index_ = std::make_unique<IndexService>(io_, clock_, directory_.path(), kSize);
    ignored_.clear();
    const Status status = index_->Load(&ignored_);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  PhysicalOffset Recover(bool clean, int64_t durable_until_ms, int64_t log_end) {
    PhysicalOffset resume;
    const Status status = index_->Recover({clean,
                                           durable_until_ms,
                                           {log_end},
                                           [this](PhysicalOffset at) { return TimeOf(at.value); }},
                                          &resume);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return resume;
  }
  // Record n stands at 100 n and was stored n seconds after the start.
  int64_t TimeOf(int64_t offset) const { return start_ms_ + offset * 10; }
  void Put(int64_t n, std::string_view unique_key, std::string_view keys = {}) {
    const Status status = index_->Put({{n * 100}, TimeOf(n * 100), "T", unique_key, keys});
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  std::vector<int64_t> Query(std::string_view key, size_t max_count = 64) {
    std::vector<int64_t> values;
    for (const PhysicalOffset offset : index_->Query({"T", key, max_count, 0, INT64_MAX}).offsets) {
      values.push_back(offset.value / 100);
    }
    return values;
  }
  size_t Files() {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  test::ManualClock clock_;
  const int64_t start_ms_ = clock_.NowMs();
  std::unique_ptr<IndexService> index_;
  std::vector<std::string> ignored_;
};

TEST_F(IndexServiceTest, FindsByUniqueKeyAndByEachKeyAcrossFiles) {
  for (int64_t n = 1; n <= 10; ++n)
    Put(n, "u" + std::to_string(n), n % 2 == 0 ? "even  all" : "all");
  EXPECT_EQ(Query("u3"), (std::vector<int64_t>{3}));
  EXPECT_EQ(Query("even"), (std::vector<int64_t>{10, 8, 6, 4, 2}));
  EXPECT_EQ(Query("all", 3), (std::vector<int64_t>{10, 9, 8}));
  EXPECT_EQ(Query("").size(), 0u);
  EXPECT_GT(Files(), 2u);
  const IndexAnswer answer = index_->Query({"T", "none", 1, 0, INT64_MAX});
  EXPECT_EQ(answer.last_update_physical_offset, 1000);
  EXPECT_EQ(answer.last_update_time_ms, TimeOf(1000));
}

TEST_F(IndexServiceTest, AFileIsMadeEvenForRecordsWithoutKeysAsByJava) {
  Put(1, "");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(IndexServiceTest, FilesMadeInOneMillisecondOrAfterTheClockWentBackKeepTheirOrder) {
  for (int64_t n = 1; n <= 8; ++n) Put(n, "u" + std::to_string(n), "k");
  clock_.Advance(-3600000);
  for (int64_t n = 9; n <= 16; ++n) Put(n, "u" + std::to_string(n), "k");
  ASSERT_TRUE(index_->Flush().ok());
  Reopen();
  EXPECT_EQ(Query("k").size(), 16u);
  EXPECT_EQ(Query("k").front(), 16);
  EXPECT_EQ(Query("k").back(), 1);
}

TEST_F(IndexServiceTest, ACleanIndexIsTrusted) {
  for (int64_t n = 1; n <= 10; ++n) Put(n, "u" + std::to_string(n));
  Reopen();
  EXPECT_EQ(Recover(true, 0, 5000).value, 5000);
  Put(3, "u3");
  EXPECT_EQ(Query("u3"), (std::vector<int64_t>{3}));
}

TEST_F(IndexServiceTest, WithoutFilesEverythingIsPutAgain) {
  EXPECT_EQ(Recover(true, 0, 5000).value, 0);
}

TEST_F(IndexServiceTest, AfterACrashItemsYoungerThanTheCheckpointArePutAgain) {
  for (int64_t n = 1; n <= 10; ++n) Put(n, "u" + std::to_string(n), "k");
  Reopen();
  // Records up to 6 are durable; whole seconds are stored, so the last of them is not trusted.
  EXPECT_EQ(Recover(false, TimeOf(600), 5000).value, 500);
  EXPECT_EQ(Query("k"), (std::vector<int64_t>{5, 4, 3, 2, 1}));
  for (int64_t n = 1; n <= 11; ++n) Put(n, "u" + std::to_string(n), "k");
  EXPECT_EQ(Query("k"), (std::vector<int64_t>{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(Query("u6"), (std::vector<int64_t>{6}));
}

TEST_F(IndexServiceTest, ARecordWhoseKeysStandInTwoFilesIsCompletedWhenTheSecondIsLost) {
  for (int64_t n = 1; n <= 4; ++n)
    Put(n, "u" + std::to_string(n), "k");  // seven keys in the first file
  EXPECT_EQ(Files(), 2u);
  std::string last;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
    last = std::max(last, entry.path().string());
  std::filesystem::remove(last);
  Reopen();
  EXPECT_EQ(Recover(false, TimeOf(10000), 5000).value, 400);
  for (int64_t n = 1; n <= 5; ++n) Put(n, "u" + std::to_string(n), "k");
  EXPECT_EQ(Query("k"), (std::vector<int64_t>{5, 4, 3, 2, 1}));
  EXPECT_EQ(Query("u4"), (std::vector<int64_t>{4}));
}

TEST_F(IndexServiceTest, ItemsBehindTheLogsEndGo) {
  for (int64_t n = 1; n <= 10; ++n) Put(n, "u" + std::to_string(n));
  Reopen();
  EXPECT_EQ(Recover(true, 0, 450).value, 450);
  Put(5, "other");
  EXPECT_EQ(Query("u5"), (std::vector<int64_t>{}));
  EXPECT_EQ(Query("u4"), (std::vector<int64_t>{4}));
  EXPECT_EQ(Query("other"), (std::vector<int64_t>{5}));
  Reopen();
  EXPECT_EQ(Recover(true, 0, 0).value, 0);
  EXPECT_EQ(Files(), 0u);
}

TEST_F(IndexServiceTest, StrangeFilesAreLeftAloneAndReported) {
  std::ofstream(directory_ / "README") << "x";
  std::ofstream(directory_ / "20231114221320000") << "short";
  std::ofstream(directory_ / "20231114221320001");
  Reopen();
  EXPECT_EQ(ignored_.size(), 2u);
  EXPECT_EQ(Files(), 2u);  // the empty one is a crash between create and allocate
  EXPECT_EQ(Recover(true, 0, 100).value, 0);
}

TEST_F(IndexServiceTest, ARecordInterruptedByAFullDiskIsNotPutTwice) {
  for (int64_t n = 1; n <= 6; ++n) Put(n, "u" + std::to_string(n));
  io_.Fail(test::IoCall::kReserve, 1, ENOSPC);
  EXPECT_EQ(index_->Put({{700}, TimeOf(700), "T", "u7", "k7"}).code(), StatusCode::kNoSpace);
  Put(7, "u7", "k7");
  EXPECT_EQ(Query("u7"), (std::vector<int64_t>{7}));
  EXPECT_EQ(Query("k7"), (std::vector<int64_t>{7}));
}

}  // namespace
}  // namespace apogee
