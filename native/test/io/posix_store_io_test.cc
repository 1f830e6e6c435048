#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "io/store_io.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using OpenMode = StoreIo::OpenMode;

class PosixStoreIoTest : public testing::Test {
 protected:
  std::unique_ptr<StoreFile> Create(const std::string& name) {
    std::unique_ptr<StoreFile> file;
    const Status status = io_.Open(directory_ / name, OpenMode::kCreate, &file);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return file;
  }
  static uint64_t SizeOf(StoreFile& file) {
    uint64_t size_bytes = 0;
    EXPECT_TRUE(file.Size(&size_bytes).ok());
    return size_bytes;
  }
  static std::string ReadAll(StoreFile& file) {
    std::string text(SizeOf(file), '\0');
    size_t count = 0;
    EXPECT_TRUE(file.Read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}, &count).ok());
    EXPECT_EQ(count, text.size());
    return text;
  }
  static std::span<const uint8_t> Bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }

  test::TempDirectory directory_;
  StoreIo& io_ = PosixStoreIo();
};

TEST_F(PosixStoreIoTest, ReadsWhatWasWritten) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(3, Bytes("hello")).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(ReadAll(*file), std::string("\0\0\0hello", 8));
  uint8_t beyond[4];
  size_t count = 9;
  EXPECT_TRUE(file->Read(100, beyond, &count).ok());
  EXPECT_EQ(count, 0u);
}

TEST_F(PosixStoreIoTest, AMissingFileIsNotFound) {
  std::unique_ptr<StoreFile> file;
  EXPECT_EQ(io_.Open(directory_ / "none", OpenMode::kReadWrite, &file).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(io_.Remove(directory_ / "none").code(), StatusCode::kNotFound);
  EXPECT_FALSE(io_.Exists(directory_ / "none"));
}

TEST_F(PosixStoreIoTest, ReserveExtendsAndKeepsContent) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(0, Bytes("hello")).ok());
  ASSERT_TRUE(file->Reserve(0, 1 << 20).ok());
  EXPECT_EQ(SizeOf(*file), 1u << 20);
  EXPECT_EQ(ReadAll(*file).substr(0, 6), std::string("hello\0", 6));
  ASSERT_TRUE(file->Reserve(4096, 8192).ok());
  EXPECT_EQ(SizeOf(*file), 1u << 20);
}

TEST_F(PosixStoreIoTest, AFullDiskIsNoSpaceAndLeavesTheSize) {
  const std::string memory = "/dev/shm";
  SpaceInfo space;
  if (!io_.Exists(memory) || !io_.Space(memory, &space).ok()) {
    GTEST_SKIP() << "no /dev/shm to ask for more than it has";
  }
  const std::string path = memory + "/apogee-test-" + std::to_string(::getpid());
  std::unique_ptr<StoreFile> file;
  ASSERT_TRUE(io_.Open(path, OpenMode::kCreate, &file).ok());
  ASSERT_TRUE(file->Write(0, Bytes("hello")).ok());
  const Status status = file->Reserve(0, space.total_bytes + (1 << 20));
  EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.ToString();
  EXPECT_EQ(SizeOf(*file), 5u);
  EXPECT_TRUE(io_.Remove(path).ok());
}

TEST_F(PosixStoreIoTest, MappingAndFileShowTheSameBytes) {
  auto file = Create("f");
  ASSERT_TRUE(file->Reserve(0, 16384).ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(16384, true, &mapping).ok());
  mapping->Populate(0, 16384);
  mapping->data()[5000] = 'x';
  EXPECT_TRUE(mapping->Sync(5000, 5001).ok());
  EXPECT_TRUE(mapping->Sync(5000, 5000).ok());
  EXPECT_EQ(ReadAll(*file)[5000], 'x');
  ASSERT_TRUE(file->Write(0, Bytes("y")).ok());
  EXPECT_EQ(mapping->data()[0], 'y');
}

TEST_F(PosixStoreIoTest, WithSmallWritesAStoreMakesOnePage) {
  constexpr size_t kBytes = 1 << 20;
  const auto file = Create("f");
  ASSERT_TRUE(file->Reserve(0, kBytes).ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(kBytes, true, &mapping).ok());
  mapping->AdviseSmallWrites(true);
  mapping->data()[kBytes / 2] = 1;
  EXPECT_EQ(mapping->ResidentPages(kBytes / 2 - FileMapping::kResidencyPageBytes, kBytes), 0u);
  EXPECT_EQ(mapping->ResidentPages(kBytes / 2, kBytes), 1u);
}

TEST_F(PosixStoreIoTest, ZeroWipesWhatWasWrittenAndNothingElse) {
  auto file = Create("f");
  ASSERT_TRUE(file->Reserve(0, 4 << 20).ok());
  bool changed = true;
  ASSERT_TRUE(file->Zero(0, 4 << 20, &changed).ok());
  EXPECT_FALSE(changed);
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(4 << 20, true, &mapping).ok());
  std::fill_n(mapping->data(), 3000, uint8_t{1});
  mapping->data()[3 << 20] = 1;
  mapping->data()[(4 << 20) - 1] = 1;
  ASSERT_TRUE(file->Zero(1000, 4 << 20, &changed).ok());
  EXPECT_TRUE(changed);
  EXPECT_EQ(std::count(mapping->data(), mapping->data() + (4 << 20), 1), 1000);
  EXPECT_EQ(SizeOf(*file), 4u << 20);
}

TEST_F(PosixStoreIoTest, WhatIsForgottenReadsAsZerosInFileAndMapping) {
  auto file = Create("f");
  const std::string text(3 * 4096, 'x');
  ASSERT_TRUE(file->Write(0, Bytes(text)).ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(text.size(), true, &mapping).ok());
  if (!file->Forget(4096, 8192)) GTEST_SKIP() << "this file system writes zeros only";
  EXPECT_EQ(ReadAll(*file), text.substr(0, 4096) + std::string(4096, '\0') + text.substr(8192));
  EXPECT_EQ(mapping->data()[4096], 0);
}

TEST_F(PosixStoreIoTest, DirectoriesAreMadeListedAndRemoved) {
  const std::string nested = directory_ / "a/b/c";
  ASSERT_TRUE(io_.CreateDirectories(nested).ok());
  ASSERT_TRUE(io_.CreateDirectories(nested).ok());
  ASSERT_TRUE(Create("a/b/2")->Write(0, Bytes("xy")).ok());
  Create("a/b/10");
  std::vector<DirEntry> entries;
  ASSERT_TRUE(io_.List(directory_ / "a/b", &entries).ok());
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "10");
  EXPECT_EQ(entries[1].name, "2");
  EXPECT_EQ(entries[1].size_bytes, 2u);
  EXPECT_TRUE(entries[2].is_directory);
  EXPECT_FALSE(io_.Remove(directory_ / "a").ok());
  EXPECT_TRUE(io_.Remove(nested).ok());
  EXPECT_TRUE(io_.Rename(directory_ / "a/b/2", directory_ / "a/b/10").ok());
  EXPECT_TRUE(io_.SyncDirectory(directory_ / "a/b").ok());
  EXPECT_FALSE(io_.CreateDirectories(directory_ / "a/b/10").ok());
  EXPECT_EQ(io_.List(directory_ / "none", &entries).code(), StatusCode::kNotFound);
}

// What another process is told when it asks for the lock.
StatusCode LockElsewhere(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    // A fresh process knows nothing of our locks, as this copy would: ask the kernel.
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_len = 1;
    const int fd = ::open(path.c_str(), O_RDWR);
    ::_exit(fd >= 0 && ::fcntl(fd, F_SETLK, &range) == 0 ? 0 : 1);
  }
  int result = 0;
  ::waitpid(child, &result, 0);
  return WEXITSTATUS(result) == 0 ? StatusCode::kOk : StatusCode::kLocked;
}

TEST_F(PosixStoreIoTest, ALockExcludesThisAndOtherProcesses) {
  const std::string path = directory_ / "lock";
  std::unique_ptr<FileLock> first;
  ASSERT_TRUE(io_.Lock(path, &first).ok());
  std::unique_ptr<FileLock> second;
  EXPECT_EQ(io_.Lock(path, &second).code(), StatusCode::kLocked);
  // Neither the refused attempt nor another name for the file has given the first one away.
  EXPECT_EQ(io_.Lock(directory_ / "./lock", &second).code(), StatusCode::kLocked);
  EXPECT_EQ(LockElsewhere(path), StatusCode::kLocked);
  first.reset();
  EXPECT_EQ(LockElsewhere(path), StatusCode::kOk);
  EXPECT_TRUE(io_.Lock(path, &second).ok());
}

TEST_F(PosixStoreIoTest, TheLockFileHoldsWhatJavaWrites) {
  std::unique_ptr<FileLock> lock;
  ASSERT_TRUE(io_.Lock(directory_ / "lock", &lock).ok());
  lock.reset();
  std::stringstream text;
  text << std::ifstream(directory_ / "lock").rdbuf();
  EXPECT_EQ(text.str(), "lock");
}

TEST_F(PosixStoreIoTest, AForeignLockIsReportedAsLocked) {
  const std::string path = directory_ / "lock";
  Create("lock");
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(done[1]);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_len = 1;
    const int fd = ::open(path.c_str(), O_RDWR);
    char byte = fd >= 0 && ::fcntl(fd, F_SETLK, &range) == 0 ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1) {
      while (::read(done[0], &byte, 1) > 0) {
      }
    }
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  std::unique_ptr<FileLock> lock;
  EXPECT_EQ(io_.Lock(path, &lock).code(), StatusCode::kLocked);
  ::close(done[1]);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(io_.Lock(path, &lock).ok());
  for (const int fd : {ready[0], ready[1], done[0]}) ::close(fd);
}

}  // namespace
}  // namespace apogee
