#include "io/simulated_store_io.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace apogee {
namespace {

using Kind = Survivors::Kind;
constexpr uint64_t kPage = kSimulatedPageBytes;

class SimulatedStoreIoTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(io_.CreateDirectories("/s/d").ok()); }

  std::unique_ptr<StoreFile> Create(const std::string& path) {
    std::unique_ptr<StoreFile> file;
    EXPECT_TRUE(io_.Open(path, StoreIo::OpenMode::kCreate, &file).ok());
    return file;
  }
  static void Write(StoreFile& file, uint64_t at, const std::string& text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    EXPECT_TRUE(file.Write(at, {bytes, text.size()}).ok());
  }
  static std::string Text(const SimulatedStoreIo& io, const std::string& path) {
    const auto bytes = io.Contents(path);
    return {bytes.begin(), bytes.end()};
  }
  std::string After(const Survivors& survivors, const std::string& path = "/s/d/f") {
    return Text(*io_.CutPower().Restart(survivors), path);
  }

  SimulatedStoreIo io_;
};

TEST_F(SimulatedStoreIoTest, WhatWasSyncedSurvivesAndWhatWasNotMayNot) {
  const auto file = Create("/s/d/f");
  Write(*file, 0, "old");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  Write(*file, 0, "new");
  EXPECT_EQ(After({Kind::kNone}), "old");
  EXPECT_EQ(After({Kind::kAll}), "new");
  EXPECT_EQ(io_.CutPower().changes(), 1u);
  EXPECT_EQ(Text(io_, "/s/d/f"), "new");
}

TEST_F(SimulatedStoreIoTest, WhatWasForgottenMayComeBackUntilItIsSynced) {
  const auto file = Create("/s/d/f");
  Write(*file, 0, "old");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  EXPECT_TRUE(file->Forget(0, 3));
  EXPECT_EQ(After({Kind::kNone}), "old");
  EXPECT_EQ(After({Kind::kAll}), std::string(3, '\0'));
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(After({Kind::kNone}), std::string(3, '\0'));
}

TEST_F(SimulatedStoreIoTest, ADirectWriteIsDurableAtReturnAndMustBeAligned) {
  struct alignas(kDirectBytes) Page {
    std::array<uint8_t, kDirectBytes> bytes{};
  };
  const auto page = std::make_unique<Page>();
  page->bytes.fill('x');
  const auto file = Create("/s/d/f");
  EXPECT_TRUE(file->Reserve(0, 2 * kDirectBytes).ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  std::unique_ptr<StoreFile> direct;
  ASSERT_TRUE(io_.Open("/s/d/f", StoreIo::OpenMode::kDirect, &direct).ok());
  EXPECT_FALSE(direct->Write(512, page->bytes).ok());
  EXPECT_FALSE(direct->Write(0, std::span(page->bytes).first(512)).ok());
  EXPECT_TRUE(direct->Write(kDirectBytes, page->bytes).ok());
  EXPECT_EQ(After({Kind::kNone}), std::string(kDirectBytes, '\0') + std::string(kDirectBytes, 'x'));

  ASSERT_TRUE(io_.Open("/s/d/f", StoreIo::OpenMode::kDirectUnsynced, &direct).ok());
  EXPECT_FALSE(direct->Write(512, page->bytes).ok());
  EXPECT_TRUE(direct->Write(0, page->bytes).ok());
  EXPECT_EQ(After({Kind::kNone})[0], '\0');
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(After({Kind::kNone})[0], 'x');
}

TEST_F(SimulatedStoreIoTest, ASyncedFileVanishesWhenItsDirectoryWasNotSynced) {
  const auto file = Create("/s/d/f");
  Write(*file, 0, "text");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_FALSE(io_.CutPower().Restart({})->Exists("/s/d/f"));
  EXPECT_EQ(After({Kind::kAll}), "text");
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  EXPECT_EQ(After({Kind::kNone}), "text");
}

TEST_F(SimulatedStoreIoTest, AnEntryMaySurviveWithoutTheBytes) {
  Write(*Create("/s/d/f"), 0, "text");
  const PowerLoss loss = io_.CutPower();
  ASSERT_EQ(loss.changes(), 3u);  // entry, size, page
  const auto entry_only = loss.Restart({Kind::kOnlyOne, 0});
  EXPECT_TRUE(entry_only->Exists("/s/d/f"));
  EXPECT_EQ(Text(*entry_only, "/s/d/f"), "");
  EXPECT_EQ(Text(*loss.Restart({Kind::kAllButOne, 2}), "/s/d/f"), std::string(4, '\0'));
  EXPECT_EQ(Text(*loss.Restart({Kind::kPrefix, 3}), "/s/d/f"), "text");
}

TEST_F(SimulatedStoreIoTest, StoresIntoAMappingAreFoundByPageAndSyncedByRange) {
  const auto file = Create("/s/d/f");
  EXPECT_TRUE(file->Reserve(0, 4 * kPage).ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(4 * kPage, true, &mapping).ok());
  for (uint64_t page = 0; page < 4; ++page) mapping->data()[page * kPage + 7] = 'x';
  EXPECT_EQ(io_.CutPower().changes(), 4u);
  EXPECT_EQ(io_.CutPower(4).changes(), 1u);
  EXPECT_TRUE(mapping->Sync(kPage, kPage + 8).ok());
  const std::string after = After({Kind::kNone});
  EXPECT_EQ(std::ranges::count(after, 'x'), 1);
  EXPECT_EQ(after[kPage + 7], 'x');
  uint8_t byte = 0;
  size_t read_bytes = 0;
  EXPECT_TRUE(file->Read(7, {&byte, 1}, &read_bytes).ok());
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(io_.PagesWithoutBlock(), 0);
}

TEST_F(SimulatedStoreIoTest, APageMaySurviveInPart) {
  const auto file = Create("/s/d/f");
  Write(*file, 0, std::string(kPage, 'a'));
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  Write(*file, 0, std::string(kPage, 'b'));
  bool torn = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const std::string after = After({Kind::kSeeded, seed, true});
    EXPECT_EQ(after, After({Kind::kSeeded, seed, true}));
    for (size_t at = 0; at < kPage; at += kSimulatedSectorBytes) {
      EXPECT_EQ(after.substr(at, kSimulatedSectorBytes),
                std::string(kSimulatedSectorBytes, after[at]));
    }
    torn = torn || (std::ranges::count(after, 'a') % kPage != 0);
  }
  EXPECT_TRUE(torn);
}

TEST_F(SimulatedStoreIoTest, ARenameIsOneChangeThatEitherDirectoryMakesDurable) {
  ASSERT_TRUE(io_.CreateDirectories("/s/e").ok());
  const auto file = Create("/s/d/f");
  Write(*file, 0, "text");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  EXPECT_TRUE(io_.Rename("/s/d/f", "/s/e/g").ok());
  EXPECT_EQ(After({Kind::kNone}), "text");
  EXPECT_EQ(After({Kind::kAll}, "/s/e/g"), "text");
  EXPECT_EQ(After({Kind::kAll}), "");
  EXPECT_TRUE(io_.SyncDirectory("/s/e").ok());
  EXPECT_EQ(After({Kind::kNone}, "/s/e/g"), "text");
  EXPECT_EQ(After({Kind::kNone}), "");
}

TEST_F(SimulatedStoreIoTest, ARemovedFileMayComeBackAndItsMappingStaysValid) {
  const auto file = Create("/s/d/f");
  Write(*file, 0, "text");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(4, true, &mapping).ok());
  EXPECT_TRUE(io_.Remove("/s/d/f").ok());
  EXPECT_FALSE(io_.Exists("/s/d/f"));
  EXPECT_EQ(After({Kind::kNone}), "text");
  EXPECT_TRUE(io_.SyncDirectory("/s/d").ok());
  EXPECT_EQ(After({Kind::kNone}), "");
  EXPECT_EQ(std::memcmp(mapping->data(), "text", 4), 0);
}

TEST_F(SimulatedStoreIoTest, AFullDeviceRefusesBlocksAndSaysHowMuchIsLeft) {
  io_.SetCapacity(static_cast<int64_t>(4 * kPage));
  const auto file = Create("/s/d/f");
  EXPECT_TRUE(file->Reserve(0, 3 * kPage).ok());
  const Status full = file->Reserve(3 * kPage, 6 * kPage);
  EXPECT_EQ(full.code(), StatusCode::kNoSpace);
  EXPECT_EQ(full.error_number(), ENOSPC);
  uint64_t size_bytes = 0;
  EXPECT_TRUE(file->Size(&size_bytes).ok());
  EXPECT_EQ(size_bytes, 3 * kPage);
  SpaceInfo space;
  EXPECT_TRUE(io_.Space("/s", &space).ok());
  EXPECT_EQ(space.free_bytes, kPage);
  EXPECT_TRUE(file->Truncate(kPage).ok());
  EXPECT_TRUE(io_.Space("/s", &space).ok());
  EXPECT_EQ(space.free_bytes, 3 * kPage);
}

TEST_F(SimulatedStoreIoTest, AStoreWhereNothingWasReservedIsSeen) {
  const auto file = Create("/s/d/f");
  EXPECT_TRUE(file->Truncate(2 * kPage).ok());
  std::unique_ptr<FileMapping> mapping;
  ASSERT_TRUE(file->Map(2 * kPage, true, &mapping).ok());
  mapping->data()[kPage] = 1;
  EXPECT_EQ(io_.PagesWithoutBlock(), 1);
}

TEST_F(SimulatedStoreIoTest, ListsLocksAndRefusesLikeAFileSystem) {
  Create("/s/d/b");
  Create("/s/d/a");
  ASSERT_TRUE(io_.CreateDirectories("/s/d/sub").ok());
  std::vector<DirEntry> entries;
  ASSERT_TRUE(io_.List("/s/d/", &entries).ok());
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_TRUE(entries[2].is_directory);
  EXPECT_EQ(io_.Remove("/s/d").error_number(), ENOTEMPTY);
  EXPECT_EQ(io_.Remove("/s/x").code(), StatusCode::kNotFound);
  std::unique_ptr<StoreFile> file;
  EXPECT_EQ(io_.Open("/none/f", StoreIo::OpenMode::kCreate, &file).code(), StatusCode::kNotFound);
  EXPECT_EQ(io_.Open("/s/d", StoreIo::OpenMode::kRead, &file).error_number(), EISDIR);
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<FileLock> second;
  EXPECT_TRUE(io_.Lock("/s/lock", &lock).ok());
  EXPECT_EQ(io_.Lock("/s/lock", &second).code(), StatusCode::kLocked);
  lock.reset();
  EXPECT_TRUE(io_.Lock("/s/lock", &second).ok());
}

}  // namespace
}  // namespace apogee
