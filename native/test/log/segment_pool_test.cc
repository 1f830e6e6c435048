#include "log/segment_pool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "io/power_loss.h"
#include "io/simulated_store_io.h"
#include "test/support/faulty_store_io.h"
#include "test/support/system_abilities.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using Taken = SegmentPool::Taken;
using test::IoCall;

constexpr uint32_t kSegment = 8u << 20;

class SegmentPoolTest : public testing::Test {
 protected:
  SegmentPoolTest() { std::filesystem::create_directory(directory_ / "log"); }
  std::string MakeSegment(const std::string& name, uint32_t size_bytes = kSegment) {
    const std::string path = directory_ / "log/" + name;
    std::ofstream(path, std::ios::binary) << std::string(size_bytes, 'x');
    return path;
  }
  static bool AllZero(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    return bytes.size() == kSegment && bytes.find_first_not_of('\0') == std::string::npos;
  }
  Taken Take(const std::string& name) { return Take(pool_, name); }
  Taken Take(SegmentPool& pool, const std::string& name) {
    Taken taken = Taken::kNone;
    const Status status = pool.Take(directory_ / "log/" + name, &taken);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return taken;
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  SegmentPool pool_{io_, directory_ / "recycled", kSegment};
};

TEST_F(SegmentPoolTest, AFileLeavesOnlyWhenAllOfItIsZero) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "log/1"));
  EXPECT_EQ(Take("2"), Taken::kNone);
  EXPECT_TRUE(pool_.ZeroStep(true));
  EXPECT_EQ(Take("2"), Taken::kNone);
  EXPECT_FALSE(pool_.ZeroStep(true));
  EXPECT_EQ(Take("2"), Taken::kWritten);
  EXPECT_TRUE(AllZero(directory_ / "log/2"));
  EXPECT_EQ(Take("3"), Taken::kNone);
}

TEST_F(SegmentPoolTest, AFileOfWhichNothingNeedsToBeWrittenIsZeroAtOnceAndKeepsItsBlocks) {
  if (!test::CanForget(directory_ / "forget")) GTEST_SKIP() << "this file system writes zeros only";
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  const int writes = io_.calls(IoCall::kWrite);
  const int syncs = io_.calls(IoCall::kSync);
  EXPECT_FALSE(pool_.ZeroStep(false));
  EXPECT_EQ(io_.calls(IoCall::kWrite), writes);
  EXPECT_EQ(io_.calls(IoCall::kSync), syncs + 1);
  EXPECT_EQ(Take("2"), Taken::kReserved);
  EXPECT_TRUE(AllZero(directory_ / "log/2"));
  struct stat info {};
  ASSERT_EQ(::stat((directory_ / "log/2").c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, int64_t{kSegment});
}

TEST_F(SegmentPoolTest, WhereAFileSystemCannotForgetZerosAreWritten) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  io_.FailAll(IoCall::kForget, EOPNOTSUPP);
  EXPECT_TRUE(pool_.ZeroStep(false));
  EXPECT_FALSE(pool_.ZeroStep(false));
  EXPECT_EQ(Take("2"), Taken::kWritten);
  EXPECT_TRUE(AllZero(directory_ / "log/2"));
}

TEST_F(SegmentPoolTest, AFileThatIsHalfWrittenIsWrittenToItsEnd) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  EXPECT_TRUE(pool_.ZeroStep(true));
  EXPECT_FALSE(pool_.ZeroStep(false));
  EXPECT_EQ(Take("2"), Taken::kWritten);
  EXPECT_TRUE(AllZero(directory_ / "log/2"));
}

TEST_F(SegmentPoolTest, KeepsAtMostTwo) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  EXPECT_TRUE(pool_.Offer(MakeSegment("2")));
  EXPECT_FALSE(pool_.Offer(MakeSegment("3")));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "log/3"));
  pool_.Clear();
  EXPECT_EQ(pool_.size(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "recycled"));
}

TEST_F(SegmentPoolTest, WhatAnEarlierRunLeftIsZeroedAgain) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  std::ofstream(directory_ / "recycled/odd") << "x";
  SegmentPool next(io_, directory_ / "recycled", kSegment);
  ASSERT_TRUE(next.Load().ok());
  EXPECT_EQ(next.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "recycled/odd"));
  EXPECT_EQ(Take(next, "2"), Taken::kNone);
}

TEST_F(SegmentPoolTest, AFailedWriteOrSyncDropsTheFile) {
  for (const IoCall call : {IoCall::kWrite, IoCall::kSync}) {
    EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
    io_.Fail(call, 1, EIO);
    EXPECT_FALSE(pool_.ZeroStep(true));
    EXPECT_EQ(pool_.size(), 0u);
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "recycled"));
  }
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  io_.Fail(IoCall::kSync, 1, EIO);
  EXPECT_FALSE(pool_.ZeroStep(false));
  EXPECT_EQ(pool_.size(), 0u);
}

// A file that is held open keeps its blocks.
TEST_F(SegmentPoolTest, AFileThatIsHalfZeroedGivesBackItsSpaceWhenThePoolIsCleared) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  EXPECT_TRUE(pool_.ZeroStep(true));
  pool_.Clear();
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto path = std::filesystem::read_symlink(descriptor.path(), gone);
    EXPECT_EQ(path.string().find(directory_ / "recycled"), std::string::npos) << path;
  }
  EXPECT_FALSE(pool_.ZeroStep(true));
}

TEST_F(SegmentPoolTest, AMoveThatIsNotDurableIsNotReused) {
  EXPECT_TRUE(pool_.Offer(MakeSegment("0")));  // the directory is there
  pool_.Clear();
  io_.Fail(IoCall::kSyncDirectory, 1, EIO);
  EXPECT_TRUE(pool_.Offer(MakeSegment("1")));
  EXPECT_EQ(pool_.size(), 0u);
  io_.Fail(IoCall::kRename, 1, EXDEV);
  EXPECT_FALSE(pool_.Offer(MakeSegment("2")));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "log/2"));
}

// Wherever the power goes: what has a segment's name is the old one, whole, or zeros.
TEST(SegmentPoolPowerLossTest, AUsedSegmentNeverBringsOldBytesUnderANewName) {
  constexpr uint32_t kSmall = 8192;
  SimulatedStoreIo io;
  ASSERT_TRUE(io.CreateDirectories("/s/log").ok());
  std::unique_ptr<StoreFile> file;
  ASSERT_TRUE(io.Open("/s/log/1", StoreIo::OpenMode::kCreate, &file).ok());
  const std::vector<uint8_t> old(kSmall, 'x');
  ASSERT_TRUE(file->Write(0, old).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(io.SyncDirectory("/s/log").ok());
  file.reset();
  SegmentPool pool(io, "/s/recycled", kSmall);
  const auto check = [&](const char* when) {
    for (uint64_t seed = 0; seed < 32; ++seed) {
      const auto kind = seed == 0   ? Survivors::Kind::kNone
                        : seed == 1 ? Survivors::Kind::kAll
                                    : Survivors::Kind::kSeeded;
      const auto after = io.CutPower().Restart({kind, seed, true});
      if (after->Exists("/s/log/1")) {
        EXPECT_EQ(after->Contents("/s/log/1"), old) << when << seed;
      }
      if (!after->Exists("/s/log/2")) continue;
      EXPECT_EQ(after->Contents("/s/log/2"), std::vector<uint8_t>(kSmall)) << when << seed;
    }
  };
  EXPECT_TRUE(pool.Offer("/s/log/1"));
  check("offered ");
  EXPECT_FALSE(pool.ZeroStep(false));
  check("zeroed ");
  Taken taken = Taken::kNone;
  ASSERT_TRUE(pool.Take("/s/log/2", &taken).ok());
  EXPECT_EQ(taken, Taken::kReserved);
  check("taken ");
}

}  // namespace
}  // namespace apogee
