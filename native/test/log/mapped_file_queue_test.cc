#include "log/mapped_file_queue.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "test/support/faulty_store_io.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using test::IoCall;

constexpr uint32_t kSize = 8192;

class MappedFileQueueTest : public testing::Test {
 protected:
  std::unique_ptr<MappedFileQueue> Open() {
    auto queue = std::make_unique<MappedFileQueue>(io_, directory_ / "q", kSize, 0);
    const Status status = queue->Load();
    EXPECT_TRUE(status.ok()) << status.ToString();
    return queue;
  }
  static void Fill(MappedFileQueue& queue, int files, uint8_t value = 7) {
    const std::vector<uint8_t> bytes(kSize, value);
    for (int k = 0; k < files; ++k) {
      std::shared_ptr<MappedFile> file;
      ASSERT_TRUE(queue.WritableFile(0, &file).ok());
      ASSERT_TRUE(file->Append(bytes).ok());
    }
  }
  std::vector<std::string> Names() {
    std::vector<DirEntry> entries;
    EXPECT_TRUE(io_.List(directory_ / "q", &entries).ok());
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.name);
    return names;
  }
  void Touch(const std::string& name, uint64_t size_bytes) {
    std::unique_ptr<StoreFile> file;
    ASSERT_TRUE(io_.Open(directory_ / ("q/" + name), StoreIo::OpenMode::kCreate, &file).ok());
    ASSERT_TRUE(file->Truncate(size_bytes).ok());
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
};

TEST_F(MappedFileQueueTest, SegmentsAreNamedByTheirStart) {
  EXPECT_EQ(SegmentName(0), "00000000000000000000");
  EXPECT_EQ(SegmentName(1073741824), "00000000001073741824");
}

TEST_F(MappedFileQueueTest, AnEmptyQueueHasNoFilesAndNoDirectory) {
  auto queue = Open();
  EXPECT_EQ(queue->min_offset(), 0);
  EXPECT_EQ(queue->max_offset(), 0);
  EXPECT_EQ(queue->Find(0), nullptr);
  EXPECT_FALSE(io_.Exists(directory_ / "q"));
}

TEST_F(MappedFileQueueTest, GrowsSegmentBySegmentFromTheBoundaryBelow) {
  auto queue = Open();
  std::shared_ptr<MappedFile> file;
  ASSERT_TRUE(queue->WritableFile(3 * kSize + 5, &file).ok());
  EXPECT_EQ(file->start_offset(), 3 * kSize);
  EXPECT_EQ(queue->flushed_offset(), 3 * kSize);
  Fill(*queue, 2);
  EXPECT_EQ(queue->min_offset(), 3 * kSize);
  EXPECT_EQ(queue->max_offset(), 5 * kSize);
  EXPECT_EQ(queue->Find(4 * kSize - 1)->start_offset(), 3 * kSize);
  EXPECT_EQ(queue->Find(4 * kSize)->start_offset(), 4 * kSize);
  EXPECT_EQ(queue->Find(5 * kSize)->start_offset(), 4 * kSize);  // right at the end
  EXPECT_EQ(queue->Find(5 * kSize + 1), nullptr);
  EXPECT_EQ(queue->Find(3 * kSize - 1), nullptr);
}

TEST_F(MappedFileQueueTest, LoadsWhatItWroteAsFull) {
  Fill(*Open(), 3);
  auto queue = Open();
  EXPECT_EQ(queue->files().size(), 3u);
  EXPECT_EQ(queue->max_offset(), 3 * kSize);
  EXPECT_EQ(queue->flushed_offset(), 3 * kSize);
}

TEST_F(MappedFileQueueTest, LoadRemovesAnEmptyLastFileAndPassesOverStrangers) {
  Fill(*Open(), 1);
  Touch(SegmentName(kSize), 0);
  Touch(".DS_Store", 10);
  Touch("0000000000000000000x", 10);
  auto queue = Open();
  EXPECT_EQ(queue->files().size(), 1u);
  EXPECT_FALSE(io_.Exists(directory_ / ("q/" + SegmentName(kSize))));
}

TEST_F(MappedFileQueueTest, AHoleOrAWrongSizeIsCorruptionThatNamesTheFile) {
  Fill(*Open(), 1);
  Touch(SegmentName(2 * kSize), kSize);
  MappedFileQueue hole(io_, directory_ / "q", kSize, 0);
  Status status = hole.Load();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.context().find(SegmentName(2 * kSize)), std::string::npos);
  Touch(SegmentName(kSize), kSize - 20);
  MappedFileQueue odd(io_, directory_ / "q", kSize, 0);
  status = odd.Load();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.context().find(SegmentName(kSize)), std::string::npos);
}

TEST_F(MappedFileQueueTest, APreparedSegmentIsUsedNextWithoutTouchingTheDisk) {
  auto queue = Open();
  Fill(*queue, 1);
  ASSERT_TRUE(queue->PrepareNext(0).ok());
  ASSERT_TRUE(queue->PrepareNext(0).ok());
  EXPECT_EQ(queue->Prepared()->start_offset(), kSize);
  EXPECT_EQ(queue->max_offset(), kSize);
  const int opened = io_.calls(IoCall::kOpen);
  std::shared_ptr<MappedFile> file;
  ASSERT_TRUE(queue->WritableFile(0, &file).ok());
  EXPECT_EQ(file->start_offset(), kSize);
  EXPECT_EQ(io_.calls(IoCall::kOpen), opened);
  EXPECT_EQ(queue->Prepared(), nullptr);
}

TEST_F(MappedFileQueueTest, APreparedSegmentLeavesWithAnOrderlyStop) {
  auto queue = Open();
  Fill(*queue, 1);
  ASSERT_TRUE(queue->PrepareNext(0).ok());
  EXPECT_EQ(Names().size(), 2u);
  ASSERT_TRUE(queue->DropPrepared().ok());
  ASSERT_TRUE(queue->DropPrepared().ok());
  EXPECT_EQ(Names().size(), 1u);
}

TEST_F(MappedFileQueueTest, FlushStopsAtTheFirstFailureAndStaysThere) {
  auto queue = Open();
  Fill(*queue, 3);
  io_.Fail(IoCall::kMappingSync, 2, EIO);
  int64_t flushed = -1;
  EXPECT_EQ(queue->Flush(&flushed).code(), StatusCode::kIoError);
  EXPECT_EQ(flushed, kSize);
  EXPECT_EQ(queue->Flush(&flushed).code(), StatusCode::kIoError);
  EXPECT_EQ(flushed, kSize);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 2);
}

TEST_F(MappedFileQueueTest, FlushTouchesOnlyDirtySegments) {
  auto queue = Open();
  Fill(*queue, 3);
  int64_t flushed = 0;
  ASSERT_TRUE(queue->Flush(&flushed).ok());
  EXPECT_EQ(flushed, 3 * kSize);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 3);
  Fill(*queue, 1);
  ASSERT_TRUE(queue->Flush(&flushed).ok());
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 4);
}

TEST_F(MappedFileQueueTest, TruncateRemovesLaterSegmentsAndWipesTheTail) {
  Fill(*Open(), 4);
  auto queue = Open();
  ASSERT_TRUE(queue->TruncateAfter(kSize + 100).ok());
  EXPECT_EQ(queue->max_offset(), kSize + 100);
  EXPECT_EQ(queue->flushed_offset(), kSize + 100);
  EXPECT_EQ(Names(), (std::vector<std::string>{SegmentName(0), SegmentName(kSize)}));
  const auto last = queue->Last();
  EXPECT_EQ(last->data()[99], 7);
  EXPECT_EQ(last->data()[100], 0);
  EXPECT_EQ(last->data()[kSize - 1], 0);
}

TEST_F(MappedFileQueueTest, TruncateAtABoundaryKeepsWhatIsFull) {
  Fill(*Open(), 3);
  auto queue = Open();
  ASSERT_TRUE(queue->TruncateAfter(kSize).ok());
  EXPECT_EQ(queue->max_offset(), kSize);
  EXPECT_TRUE(queue->Last()->full());
  ASSERT_TRUE(queue->TruncateAfter(0).ok());
  EXPECT_EQ(queue->max_offset(), 0);
  EXPECT_EQ(queue->files().size(), 1u);
}

TEST_F(MappedFileQueueTest, OnlyFirstSegmentsWhollyBelowAreRemoved) {
  auto queue = Open();
  Fill(*queue, 2);
  EXPECT_EQ(queue->RemoveFirstBefore(kSize - 1).code(), StatusCode::kNotFound);
  const auto held = queue->First();
  EXPECT_TRUE(queue->RemoveFirstBefore(kSize).ok());
  EXPECT_EQ(queue->min_offset(), kSize);
  EXPECT_EQ(held->data()[0], 7);
  EXPECT_EQ(queue->RemoveFirstBefore(10 * kSize).code(), StatusCode::kNotFound);  // the last stays
  EXPECT_TRUE(queue->RemoveAll().ok());
  EXPECT_TRUE(Names().empty());
}

TEST_F(MappedFileQueueTest, ARetiredSegmentGoesToThePoolUnlessSomebodyReadsIt) {
  SegmentPool pool(io_, directory_ / "recycled", kSize);
  auto queue = Open();
  queue->SetPool(&pool);
  Fill(*queue, 4);
  auto held = queue->First();
  EXPECT_TRUE(queue->RemoveFirstBefore(kSize).ok());
  EXPECT_EQ(pool.size(), 0u);
  held.reset();
  EXPECT_TRUE(queue->RemoveFirstBefore(2 * kSize).ok());
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(queue->min_offset(), 2 * kSize);
  io_.Fail(IoCall::kRename, 1, EXDEV);
  EXPECT_TRUE(queue->RemoveFirstBefore(3 * kSize).ok());
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(Names().size(), 1u);

  EXPECT_FALSE(pool.ZeroStep(true));
  Fill(*queue, 1);
  EXPECT_EQ(pool.size(), 0u);
  EXPECT_TRUE(queue->Last()->prewritten());
}

TEST_F(MappedFileQueueTest, AFailedRemovalKeepsTheSegment) {
  auto queue = Open();
  Fill(*queue, 2);
  io_.Fail(IoCall::kRemove, 1, EIO);
  EXPECT_EQ(queue->RemoveFirstBefore(kSize).code(), StatusCode::kIoError);
  EXPECT_EQ(queue->min_offset(), 0);
  EXPECT_EQ(queue->Find(0)->data()[0], 7);
}

TEST_F(MappedFileQueueTest, AFullDiskLeavesTheQueueAsItWas) {
  auto queue = Open();
  Fill(*queue, 1);
  io_.Fail(IoCall::kReserve, 1, ENOSPC);
  std::shared_ptr<MappedFile> file;
  EXPECT_EQ(queue->WritableFile(0, &file).code(), StatusCode::kNoSpace);
  EXPECT_EQ(Names().size(), 1u);
  EXPECT_TRUE(queue->WritableFile(0, &file).ok());
}

// As a segment that moved in from the pool when the sync of its directory failed.
TEST_F(MappedFileQueueTest, ASegmentThatWasLeftOverIsUsedOnlyWhenItsNameIsDurable) {
  auto queue = Open();
  Fill(*queue, 1);
  Touch(SegmentName(kSize), kSize);
  io_.FailAll(IoCall::kSyncDirectory, EIO);
  EXPECT_EQ(queue->PrepareNext(0).code(), StatusCode::kIoError);
  io_.Pass(IoCall::kSyncDirectory);
  EXPECT_TRUE(queue->PrepareNext(0).ok());
}

}  // namespace
}  // namespace apogee
