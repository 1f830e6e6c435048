#include "log/mapped_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "test/support/faulty_store_io.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using test::IoCall;

constexpr uint32_t kSize = 64 * 1024;
constexpr uint32_t kStep = 8 * 1024;

class MappedFileTest : public testing::Test {
 protected:
  Status Open(uint32_t step, std::shared_ptr<MappedFile>* file) {
    return MappedFile::Open(io_, directory_ / "00000000000000000000", 0, kSize, step, file);
  }
  std::shared_ptr<MappedFile> MustOpen(uint32_t step = 0) {
    std::shared_ptr<MappedFile> file;
    const Status status = Open(step, &file);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return file;
  }
  static std::span<const uint8_t> Bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
};

TEST_F(MappedFileTest, AppendsPublishAndFlushes) {
  auto file = MustOpen();
  ASSERT_TRUE(file->Append(Bytes("hello")).ok());
  EXPECT_EQ(file->wrote(), 5u);
  EXPECT_EQ(file->flushed(), 0u);
  ASSERT_TRUE(file->Flush().ok());
  EXPECT_EQ(file->flushed(), 5u);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(file->data()), 5), "hello");
  EXPECT_EQ(file->space_left(), kSize - 5);
}

TEST_F(MappedFileTest, ANewFileIsWholeSyncedAndInItsDirectory) {
  auto file = MustOpen();
  EXPECT_EQ(io_.calls(IoCall::kSync), 1);
  EXPECT_EQ(io_.calls(IoCall::kSyncDirectory), 1);
  std::vector<DirEntry> entries;
  ASSERT_TRUE(io_.List(directory_.path(), &entries).ok());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].size_bytes, kSize);
}

TEST_F(MappedFileTest, AFullDiskAtCreationLeavesNoFile) {
  for (const IoCall call :
       {IoCall::kReserve, IoCall::kTruncate, IoCall::kSync, IoCall::kSyncDirectory}) {
    io_.Fail(call, 1, ENOSPC);
    std::shared_ptr<MappedFile> file;
    EXPECT_EQ(Open(kStep, &file).code(), StatusCode::kNoSpace);
    EXPECT_EQ(file, nullptr);
    EXPECT_FALSE(io_.Exists(directory_ / "00000000000000000000"));
  }
}

TEST_F(MappedFileTest, AFileWhoseMakingWasInterruptedOpens) {
  for (const IoCall call : {IoCall::kReserve, IoCall::kTruncate, IoCall::kSync}) {
    io_.Fail(call, 1, EIO);
    io_.FailAll(IoCall::kRemove, EIO);  // what a kill at that call leaves
    std::shared_ptr<MappedFile> file;
    EXPECT_EQ(Open(kStep, &file).code(), StatusCode::kIoError);
    io_.Pass(IoCall::kRemove);
    const Status again = Open(kStep, &file);
    ASSERT_TRUE(again.ok()) << again.ToString();
    EXPECT_TRUE(file->Append(Bytes("x")).ok());
    ASSERT_TRUE(file->Remove().ok());
  }
}

TEST_F(MappedFileTest, AFullDiskAtAReserveStepWritesNothing) {
  auto file = MustOpen(kStep);
  const std::vector<uint8_t> chunk(kStep, 7);
  ASSERT_TRUE(file->Append(chunk).ok());
  io_.Fail(IoCall::kReserve, 1, ENOSPC);
  EXPECT_EQ(file->Append(chunk).code(), StatusCode::kNoSpace);
  EXPECT_EQ(file->wrote(), kStep);
  EXPECT_TRUE(file->Append(chunk).ok());
  EXPECT_EQ(file->wrote(), 2 * kStep);
}

TEST_F(MappedFileTest, BlocksAreReservedInSteps) {
  auto file = MustOpen(kStep);
  EXPECT_EQ(io_.calls(IoCall::kReserve), 1);
  for (uint32_t k = 0; k < kStep / 8; ++k) ASSERT_TRUE(file->Append(Bytes("12345678")).ok());
  EXPECT_EQ(io_.calls(IoCall::kReserve), 1);
  ASSERT_TRUE(file->Append(Bytes("1")).ok());
  EXPECT_EQ(io_.calls(IoCall::kReserve), 2);
}

TEST_F(MappedFileTest, AFileFoundIsReservedBeforeItIsWritten) {
  ASSERT_TRUE(MustOpen()->Append(Bytes("hello")).ok());
  auto file = MustOpen();
  file->ResetPosition(5);
  EXPECT_EQ(io_.calls(IoCall::kReserve), 1);
  ASSERT_TRUE(file->Append(Bytes("x")).ok());
  EXPECT_EQ(io_.calls(IoCall::kReserve), 2);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(file->data()), 6), "hellox");
}

TEST_F(MappedFileTest, WhatDoesNotFitIsTooLarge) {
  auto file = MustOpen();
  const std::vector<uint8_t> most(kSize - 1, 7);
  ASSERT_TRUE(file->Append(most).ok());
  EXPECT_EQ(file->Append(Bytes("ab")).code(), StatusCode::kTooLarge);
  EXPECT_TRUE(file->Append(Bytes("a")).ok());
  EXPECT_TRUE(file->full());
}

TEST_F(MappedFileTest, AWrongSizeIsCorruption) {
  std::unique_ptr<StoreFile> odd;
  ASSERT_TRUE(io_.Open(directory_ / "00000000000000000000", StoreIo::OpenMode::kCreate, &odd).ok());
  ASSERT_TRUE(odd->Truncate(kSize - 1).ok());
  std::shared_ptr<MappedFile> file;
  EXPECT_EQ(Open(0, &file).code(), StatusCode::kCorruption);
}

TEST_F(MappedFileTest, AFailedSyncIsNeverFollowedByASuccess) {
  auto file = MustOpen();
  ASSERT_TRUE(file->Append(Bytes("hello")).ok());
  io_.Fail(IoCall::kMappingSync, 1, EIO);
  EXPECT_EQ(file->Flush().code(), StatusCode::kIoError);
  EXPECT_EQ(file->Flush().code(), StatusCode::kIoError);
  EXPECT_EQ(io_.calls(IoCall::kMappingSync), 1);
  EXPECT_EQ(file->flushed(), 0u);
}

TEST_F(MappedFileTest, ZeroTailWipesWhatLiesBehindThePosition) {
  auto file = MustOpen();
  const std::vector<uint8_t> bytes(20000, 7);
  ASSERT_TRUE(file->Append(bytes).ok());
  file->ResetPosition(100);
  ASSERT_TRUE(file->ZeroTail().ok());
  EXPECT_EQ(std::count(file->data(), file->data() + kSize, 7), 100);
}

TEST_F(MappedFileTest, MemoryOutlivesRemoval) {
  auto file = MustOpen();
  ASSERT_TRUE(file->Append(Bytes("hello")).ok());
  ASSERT_TRUE(file->Remove().ok());
  EXPECT_FALSE(io_.Exists(file->path()));
  EXPECT_EQ(file->data()[0], 'h');
}

}  // namespace
}  // namespace apogee
