#include "index/index_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

constexpr IndexSize kSize{4, 8};
constexpr int64_t kTime = 1700000000000;

class IndexFileTest : public testing::Test {
 protected:
  std::shared_ptr<IndexFile> Create(const IndexHeader* before = nullptr) {
    std::shared_ptr<IndexFile> file;
    const Status status = IndexFile::Create(io_, path_, kSize, before, &file);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return file;
  }
  std::vector<int64_t> Select(const IndexFile& file, int32_t hash, int64_t begin = 0,
                              int64_t end = INT64_MAX, size_t max_count = 10) {
    std::vector<PhysicalOffset> offsets;
    file.Select(hash, max_count, begin, end, &offsets);
    std::vector<int64_t> values;
    for (const PhysicalOffset offset : offsets) values.push_back(offset.value);
    return values;
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  const std::string path_ = directory_ / "20231114221320000";
};

TEST_F(IndexFileTest, HasJavasBytes) {
  auto file = Create();
  ASSERT_TRUE(file->Put(5, {100}, kTime).ok());         // slot 1
  ASSERT_TRUE(file->Put(9, {200}, kTime + 2500).ok());  // slot 1
  ASSERT_TRUE(file->Flush().ok());
  std::string expected(40 + 4 * 4 + 8 * 20, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(expected.data());
  EncodeIndexHeader({kTime, kTime + 2500, 100, 200, 1, 3}, bytes);
  bytes[40 + 4 + 3] = 2;
  EncodeIndexItem({5, 100, 0, 0}, bytes + 56 + 20);
  EncodeIndexItem({9, 200, 2, 1}, bytes + 56 + 40);
  EXPECT_EQ(test::ReadFile(path_), expected);
}

TEST_F(IndexFileTest, SelectsNewestFirstByHashAndTime) {
  auto file = Create();
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(file->Put(i == 2 ? 9 : 5, {100 + i}, kTime + i * 1000).ok());
  EXPECT_EQ(Select(*file, 5), (std::vector<int64_t>{104, 103, 101, 100}));
  EXPECT_EQ(Select(*file, 9), (std::vector<int64_t>{102}));
  EXPECT_EQ(Select(*file, 7), (std::vector<int64_t>{}));
  EXPECT_EQ(Select(*file, 5, kTime + 1000, kTime + 3000), (std::vector<int64_t>{103, 101}));
  EXPECT_EQ(Select(*file, 5, 0, INT64_MAX, 2), (std::vector<int64_t>{104, 103}));
}

TEST_F(IndexFileTest, ANewFileInheritsTheEndOfTheOneBefore) {
  const IndexHeader before{1, kTime, 2, 777, 3, 8};
  auto file = Create(&before);
  EXPECT_EQ(file->header(), (IndexHeader{kTime, kTime, 777, 777, 0, 1}));
  ASSERT_TRUE(file->Put(5, {800}, kTime + 5000).ok());
  EXPECT_EQ(file->header(), (IndexHeader{kTime + 5000, kTime + 5000, 800, 800, 1, 2}));
}

TEST_F(IndexFileTest, IsFullWhenTheCountReachesItsItems) {
  auto file = Create();
  for (int i = 0; i < 7; ++i) {
    EXPECT_FALSE(file->full());
    ASSERT_TRUE(file->Put(i, {i}, kTime).ok());
  }
  EXPECT_TRUE(file->full());
}

TEST_F(IndexFileTest, OpensWhatItWroteAndRefusesTheRest) {
  ASSERT_TRUE(Create()->Put(5, {100}, kTime).ok());
  std::shared_ptr<IndexFile> file;
  ASSERT_TRUE(IndexFile::Open(io_, path_, kSize, &file).ok());
  EXPECT_EQ(Select(*file, 5), (std::vector<int64_t>{100}));
  EXPECT_EQ(IndexFile::Open(io_, path_, {8, 8}, &file).code(), StatusCode::kCorruption);
  file.reset();
  test::Overwrite(path_, 36, std::string("\x7f\0\0\0", 4));
  EXPECT_EQ(IndexFile::Open(io_, path_, kSize, &file).code(), StatusCode::kCorruption);
}

TEST_F(IndexFileTest, KeepItemsMakesSlotsAndChainsAnew) {
  auto file = Create();
  for (int i = 0; i < 6; ++i)
    ASSERT_TRUE(file->Put(i % 2 == 0 ? 5 : 2, {100 + i}, kTime + i * 1000).ok());
  // Pages that never reached the device: a slot and a link of a chain.
  test::Overwrite(path_, 40 + 4, std::string(4, '\0'));
  test::Overwrite(path_, 56 + 3 * 20 + 16, std::string(4, '\x55'));
  file->KeepItems(5, kTime + 3000);
  EXPECT_EQ(Select(*file, 5), (std::vector<int64_t>{102, 100}));
  EXPECT_EQ(Select(*file, 2), (std::vector<int64_t>{103, 101}));
  EXPECT_EQ(file->header(), (IndexHeader{kTime, kTime + 3000, 100, 103, 2, 5}));
}

TEST_F(IndexFileTest, AChainThatPointsForwardEnds) {
  auto file = Create();
  ASSERT_TRUE(file->Put(5, {100}, kTime).ok());
  ASSERT_TRUE(file->Put(5, {101}, kTime).ok());
  test::Overwrite(path_, 56 + 20 + 16, std::string("\0\0\0\2", 4));
  EXPECT_EQ(Select(*file, 5), (std::vector<int64_t>{101, 100}));
}

TEST_F(IndexFileTest, AFullDiskLeavesNoFile) {
  io_.Fail(test::IoCall::kReserve, 1, ENOSPC);
  std::shared_ptr<IndexFile> file;
  EXPECT_EQ(IndexFile::Create(io_, path_, kSize, nullptr, &file).code(), StatusCode::kNoSpace);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace apogee
