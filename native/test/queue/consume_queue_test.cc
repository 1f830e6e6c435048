#include "queue/consume_queue.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

constexpr uint32_t kFile = 100;  // five entries

class ConsumeQueueTest : public testing::Test {
 protected:
  std::unique_ptr<ConsumeQueue> Make() {
    return std::make_unique<ConsumeQueue>(surroundings_, QueueId{{0}, 0}, directory_ / "T/0");
  }
  std::unique_ptr<ConsumeQueue> Load(bool expect_damaged = false) {
    auto queue = Make();
    bool damaged = false;
    const Status status = queue->Load(&damaged);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(damaged, expect_damaged);
    return queue;
  }
  static ConsumeQueueEntry Entry(int64_t n) { return {{1000 + n * 100}, 100, n}; }
  static void Fill(ConsumeQueue& queue, int64_t from, int64_t to) {
    for (int64_t n = from; n < to; ++n) ASSERT_TRUE(queue.Append(Entry(n)).ok());
  }
  std::string File(int64_t start) { return directory_ / ("T/0/" + SegmentName(start)); }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  QueueMappings mappings_;
  DirtyQueues dirty_;
  QueueSurroundings surroundings_{io_, mappings_, dirty_, kFile};
};

TEST_F(ConsumeQueueTest, TouchesNoFileBeforeItsFirstEntry) {
  Make();
  EXPECT_FALSE(std::filesystem::exists(directory_ / "T"));
}

TEST_F(ConsumeQueueTest, EntriesGoOnInTheNextFileAndComeBackAfterALoad) {
  auto queue = Make();
  Fill(*queue, 0, 12);
  EXPECT_EQ(queue->max().value, 12);
  ASSERT_TRUE(queue->Flush().ok());
  EXPECT_EQ(queue->unflushed_bytes(), 0);
  queue = Load();
  EXPECT_EQ(queue->min().value, 0);
  EXPECT_EQ(queue->max().value, 12);
  ConsumeQueueEntry entry;
  for (int64_t n = 0; n < 12; ++n) {
    ASSERT_TRUE(queue->Get({n}, &entry));
    EXPECT_EQ(entry, Entry(n));
  }
  EXPECT_FALSE(queue->Get({12}, &entry));
  EXPECT_FALSE(queue->Get({-1}, &entry));
  Fill(*queue, 12, 13);
  EXPECT_EQ(queue->max().value, 13);
}

TEST_F(ConsumeQueueTest, ReadStopsAtTheEndOfTheFileAsJavaDoes) {
  auto queue = Make();
  Fill(*queue, 0, 7);
  EXPECT_EQ(queue->Read({2}).count, 3);
  EXPECT_EQ(queue->Read({5}).count, 2);
  EXPECT_EQ(queue->Read({7}).count, 0);
  EXPECT_EQ(queue->NextFile({2}).value, 5);
  EXPECT_EQ(queue->NextFile({5}).value, 10);
}

TEST_F(ConsumeQueueTest, AQueueThatStartsInTheMiddleIsFilledFromItsFilesStart) {
  auto queue = Make();
  ASSERT_TRUE(queue->FillTo({8}).ok());
  ASSERT_TRUE(queue->Append(Entry(8)).ok());
  EXPECT_EQ(queue->min().value, 8);
  EXPECT_EQ(queue->max().value, 9);
  EXPECT_FALSE(std::filesystem::exists(File(0)));
  const std::string bytes = test::ReadFile(File(100));
  ASSERT_EQ(bytes.size(), kFile);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(DecodeConsumeQueueEntry(reinterpret_cast<const uint8_t*>(bytes.data()) + i * 20),
              kFillEntry);
  }
  queue = Load();
  queue->CorrectMin({0});
  EXPECT_EQ(queue->min().value, 8);
  EXPECT_EQ(queue->max().value, 9);
}

TEST_F(ConsumeQueueTest, MinFollowsWhatTheLogStillHas) {
  auto queue = Make();
  Fill(*queue, 0, 12);
  queue->CorrectMin({1000});
  EXPECT_EQ(queue->min().value, 0);
  queue->CorrectMin({1350});
  EXPECT_EQ(queue->min().value, 4);
  queue->CorrectMin({99999});
  EXPECT_EQ(queue->min().value, 12);
}

TEST_F(ConsumeQueueTest, MinIsNotMovedByAGapThatWasFilled) {
  auto queue = Make();
  Fill(*queue, 0, 3);
  ASSERT_TRUE(queue->FillTo({10}).ok());
  Fill(*queue, 10, 13);
  queue->CorrectMin({0});
  EXPECT_EQ(queue->min().value, 0);
  queue->CorrectMin({1150});
  EXPECT_EQ(queue->min().value, 2);
  queue->CorrectMin({1300});  // all in front of the gap are gone
  EXPECT_EQ(queue->min().value, 10);
  queue->CorrectMin({2100});
  EXPECT_EQ(queue->min().value, 11);
  queue->CorrectMin({99999});
  EXPECT_EQ(queue->min().value, 13);
}

TEST_F(ConsumeQueueTest, CutEntriesAreGoneFromTheFile) {
  auto queue = Make();
  Fill(*queue, 0, 12);
  ASSERT_TRUE(queue->Cut({6}).ok());
  EXPECT_EQ(queue->max().value, 6);
  EXPECT_FALSE(std::filesystem::exists(File(200)));
  EXPECT_EQ(test::ReadFile(File(100)).substr(20), std::string(80, '\0'));
  Fill(*queue, 6, 8);
  EXPECT_EQ(Load()->max().value, 8);
  ASSERT_TRUE(queue->Cut({0}).ok());
  EXPECT_EQ(queue->max().value, 0);
  EXPECT_FALSE(std::filesystem::exists(File(0)));
}

TEST_F(ConsumeQueueTest, AHoleEndsTheQueueAndIsReported) {
  auto queue = Make();
  Fill(*queue, 0, 12);
  queue.reset();
  test::Overwrite(File(100), 40, std::string(20, '\0'));
  queue = Load(true);
  EXPECT_EQ(queue->max().value, 7);
}

TEST_F(ConsumeQueueTest, AHoleWithinTheLastFileIsReported) {
  auto queue = Make();
  Fill(*queue, 0, 4);
  queue.reset();
  test::Overwrite(File(0), 20, std::string(20, '\0'));
  queue = Load(true);
  EXPECT_EQ(queue->max().value, 1);
  queue.reset();
  Load();  // what is cut is not reported again
}

TEST_F(ConsumeQueueTest, ALastEntryThatCannotBeOneIsReported) {
  auto queue = Make();
  Fill(*queue, 0, 4);
  queue.reset();
  test::Overwrite(File(0), 60, "\xff");
  queue = Load(true);
  EXPECT_EQ(queue->max().value, 3);
}

TEST_F(ConsumeQueueTest, NothingIsCutBeforeTheLossIsMadeKnown) {
  auto queue = Make();
  Fill(*queue, 0, 12);
  queue.reset();
  test::Overwrite(File(100), 40, std::string(20, '\0'));
  const auto refuse = [] { return Status::Error(StatusCode::kIoError, "not now"); };
  for (const bool wrong_size : {false, true}) {
    if (wrong_size) std::filesystem::resize_file(File(0), 60);
    bool damaged = false;
    EXPECT_EQ(Make()->Load(&damaged, refuse).code(), StatusCode::kIoError);
    EXPECT_TRUE(std::filesystem::exists(File(200)));
    EXPECT_NE(test::ReadFile(File(100)).substr(60, 20), std::string(20, '\0'));
  }
}

TEST_F(ConsumeQueueTest, FilesOfAnotherSizeAreDroppedAndReported) {
  auto queue = Make();
  Fill(*queue, 0, 3);
  queue.reset();
  std::filesystem::resize_file(File(0), 60);
  queue = Load(true);
  EXPECT_EQ(queue->max().value, 0);
  Fill(*queue, 0, 1);
  EXPECT_EQ(queue->max().value, 1);
}

TEST_F(ConsumeQueueTest, AFullDiskIsAnErrorThatPasses) {
  auto queue = Make();
  Fill(*queue, 0, 5);
  io_.Fail(test::IoCall::kReserve, 1, ENOSPC);
  EXPECT_EQ(queue->Append(Entry(5)).code(), StatusCode::kNoSpace);
  EXPECT_EQ(queue->max().value, 5);
  EXPECT_TRUE(queue->Append(Entry(5)).ok());
  EXPECT_EQ(queue->max().value, 6);
}

TEST_F(ConsumeQueueTest, FileSizeIsRoundedUpToWholeEntries) {
  const QueueSurroundings odd{io_, mappings_, dirty_, 41};
  ConsumeQueue queue(odd, {{0}, 0}, directory_ / "T/1");
  Fill(queue, 0, 1);
  EXPECT_EQ(std::filesystem::file_size(directory_ / ("T/1/" + SegmentName(0))), 60u);
}

TEST_F(ConsumeQueueTest, WhatCannotBeReadNowIsNotTrimmed) {
  Fill(*Make(), 0, 20);
  auto queue = Load();
  io_.FailAll(test::IoCall::kOpen, EMFILE);
  int removed = 0;
  ASSERT_TRUE(queue->TrimBelow(Entry(3).physical_offset, &removed).ok());
  EXPECT_EQ(removed, 0);
  EXPECT_LE(queue->min().value, 3);
  io_.Pass(test::IoCall::kOpen);
  ASSERT_TRUE(queue->TrimBelow(Entry(3).physical_offset, &removed).ok());
  EXPECT_EQ(queue->min().value, 3);
}

TEST_F(ConsumeQueueTest, AFileThatCannotBeMappedNowIsAShortage) {
  auto queue = Make();
  io_.FailAll(test::IoCall::kMap, ENOMEM);
  EXPECT_EQ(queue->Append(Entry(0)).code(), StatusCode::kMapLimit);
  io_.Pass(test::IoCall::kMap);
  EXPECT_TRUE(queue->Append(Entry(0)).ok());
  EXPECT_EQ(queue->max().value, 1);
}

// Not what the device reads ahead, which on some is the whole file: milliseconds and memory for each
// new queue.
TEST_F(ConsumeQueueTest, TheFirstEntryMakesOnePageOfTheFile) {
  constexpr uint32_t kLargeFile = 300'000 * 20;
  const QueueSurroundings surroundings{io_, mappings_, dirty_, kLargeFile};
  ConsumeQueue queue(surroundings, QueueId{{0}, 0}, directory_ / "T/0");
  ASSERT_TRUE(queue.Append(Entry(0)).ok());
  std::unique_ptr<StoreFile> file;
  ASSERT_TRUE(PosixStoreIo().Open(File(0), StoreIo::OpenMode::kReadWrite, &file).ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(kLargeFile, true, &mapping).ok());
  EXPECT_EQ(mapping->ResidentPages(0, kLargeFile), 1u);
}

}  // namespace
}  // namespace apogee
