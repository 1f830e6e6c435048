#include "queue/queue_extension.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "queue/consume_queue.h"
#include "test/support/faulty_store_io.h"
#include "test/support/store_harness.h"

namespace apogee {
namespace {

constexpr uint32_t kFile = 70;  // three units of 20 bytes, and ten bytes that hold none

using Offsets = std::vector<int64_t>;

class QueueExtensionTest : public testing::Test {
 protected:
  std::unique_ptr<ConsumeQueue> Load() {
    auto queue = std::make_unique<ConsumeQueue>(surroundings_, QueueId{{0}, 3}, root_ + "/cq/T/3");
    bool damaged = false;
    EXPECT_TRUE(queue->Load(&damaged).ok());
    EXPECT_FALSE(damaged);
    return queue;
  }
  void Put(ConsumeQueue& queue, int count, std::span<const uint8_t> bit_map = {}) {
    for (int i = 0; i < count; ++i) {
      const int64_t n = queue.max().value;
      const ExtensionUnit unit{n, 1000 + n, bit_map};
      ASSERT_TRUE(queue.Append({{n * 100}, 100, n}, &unit).ok());
    }
  }
  // The offset of the unit of the queue's n-th entry, -1 when it has its tag code itself.
  int64_t Place(ConsumeQueue& queue, int64_t n) {
    ConsumeQueueEntry entry;
    EXPECT_TRUE(queue.Get({n}, &entry));
    if (!IsExtensionAddress(entry.tag_code)) {
      EXPECT_EQ(entry.tag_code, n);
      return -1;
    }
    std::shared_ptr<QueueFile> file;
    ExtensionUnit unit;
    if (!queue.ReadExtension(entry.tag_code, &file, &unit)) return -2;
    EXPECT_EQ(unit.tag_code, n);
    EXPECT_EQ(unit.store_time_ms, 1000 + n);
    return ExtensionOffsetOf(entry.tag_code);
  }
  Offsets Places(ConsumeQueue& queue) {
    Offsets places;
    for (int64_t n = queue.min().value; n < queue.max().value; ++n)
      places.push_back(Place(queue, n));
    return places;
  }
  std::string File(int64_t start) { return root_ + "/ext/T/3/" + SegmentName(start); }

  test::TempDirectory directory_;
  const std::string root_ = directory_ / "store";
  test::FaultyStoreIo io_{PosixStoreIo()};
  QueueMappings mappings_;
  DirtyQueues dirty_;
  QueueSurroundings surroundings_{io_, mappings_, dirty_, 100, {root_ + "/ext", true, kFile}};
};

TEST_F(QueueExtensionTest, AUnitThatDoesNotFitBeginsTheNextFile) {
  auto queue = Load();
  Put(*queue, 4);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, 40, 70}));
  const std::string first = test::ReadFile(File(0));
  ASSERT_EQ(first.size(), kFile);
  EXPECT_EQ(first.substr(60), std::string("\xFF\xFF\0\0\0\0\0\0\0\0", 10));
  EXPECT_EQ(test::ReadFile(File(70)).substr(0, 20),
            std::string("\0\x14\0\0\0\0\0\0\0\3\0\0\0\0\0\0\3\xEB\0\0", 20));
}

TEST_F(QueueExtensionTest, TheLastFourBytesOfAFileHoldNoUnit) {
  surroundings_.extension.file_bytes = 44;
  auto queue = Load();
  Put(*queue, 3);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, 44}));
  EXPECT_EQ(test::ReadFile(File(0)).substr(40), std::string("\xFF\xFF\0\0", 4));
  ASSERT_TRUE(queue->Remove().ok());
  surroundings_.extension.file_bytes = 43;
  queue = Load();
  Put(*queue, 2);
  EXPECT_EQ(Places(*queue), (Offsets{0, 43}));
}

TEST_F(QueueExtensionTest, ItGoesOnBehindTheLastUnitAfterALoad) {
  auto queue = Load();
  const uint8_t bit_map[] = {1, 2, 3};
  Put(*queue, 1, bit_map);
  Put(*queue, 1);
  ASSERT_TRUE(queue->Flush().ok());
  queue = Load();
  Put(*queue, 2);
  EXPECT_EQ(Places(*queue), (Offsets{0, 23, 43, 70}));
}

TEST_F(QueueExtensionTest, UnitsWithoutEntriesAreCutBeforeItGoesOn) {
  auto queue = Load();
  Put(*queue, 5);
  ASSERT_TRUE(queue->Cut({2}).ok());
  Put(*queue, 1);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, 40}));
  EXPECT_FALSE(std::filesystem::exists(File(70)));
  EXPECT_EQ(test::ReadFile(File(0)).substr(60), std::string(10, '\0'));
  ASSERT_TRUE(queue->Cut({0}).ok());
  Put(*queue, 1);
  EXPECT_EQ(Places(*queue), (Offsets{0}));
}

TEST_F(QueueExtensionTest, UnitsAreReadAndNoneWrittenWhenItIsSwitchedOff) {
  auto queue = Load();
  Put(*queue, 2);
  surroundings_.extension.enabled = false;
  queue = Load();
  Put(*queue, 2);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, -1, -1}));
  surroundings_.extension.enabled = true;
  queue = Load();
  Put(*queue, 1);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, -1, -1, 40}));
}

TEST_F(QueueExtensionTest, FilesOfAnotherSizeAreReadAndGoneOnWith) {
  auto queue = Load();
  Put(*queue, 4);
  surroundings_.extension.file_bytes = 200;
  queue = Load();
  Put(*queue, 3);
  EXPECT_EQ(Places(*queue), (Offsets{0, 20, 40, 70, 90, 110, 140}));
}

TEST_F(QueueExtensionTest, NoNewUnitHasTheAddressOfALostOne) {
  auto queue = Load();
  Put(*queue, 5);
  std::filesystem::remove_all(root_ + "/ext");
  queue = Load();
  Put(*queue, 1);
  EXPECT_EQ(Places(*queue), (Offsets{-2, -2, -2, -2, -2, 140}));
  // Bytes lost within a file, found by who puts next.
  test::Overwrite(File(140), 0, std::string(20, '\0'));
  queue = Load();
  Put(*queue, 1);
  EXPECT_EQ(Place(*queue, 5), -2);
  EXPECT_EQ(Place(*queue, 6), 210);
}

TEST_F(QueueExtensionTest, FilesThatContradictEachOtherGo) {
  auto queue = Load();
  Put(*queue, 8);
  std::filesystem::remove(File(70));
  queue = Load();
  EXPECT_FALSE(std::filesystem::exists(root_ + "/ext/T/3"));
  EXPECT_EQ(Place(*queue, 0), -2);
  Put(*queue, 1);
  EXPECT_EQ(Place(*queue, 8), 210);
}

TEST_F(QueueExtensionTest, AUnitThatNoFileCanHoldLeavesTheTagCodeInTheEntry) {
  auto queue = Load();
  const std::vector<uint8_t> bit_map(kFile);
  Put(*queue, 1, bit_map);
  Put(*queue, 1);
  EXPECT_EQ(Places(*queue), (Offsets{-1, 0}));
  EXPECT_EQ(test::ReadFile(File(0)).size(), kFile);
}

TEST_F(QueueExtensionTest, WithoutSpaceNothingIsAddedAndItMayBeTriedAgain) {
  auto queue = Load();
  Put(*queue, 3);
  for (int kth = 1; kth <= 2; ++kth) {
    io_.Fail(test::IoCall::kReserve, kth, ENOSPC);
    const int64_t n = queue->max().value;
    const ExtensionUnit unit{n, 1000 + n, {}};
    // Of what fails now and what not, only the outcome counts: all or nothing.
    const Status appended = queue->Append({{n * 100}, 100, n}, &unit);
    EXPECT_EQ(appended.code(), appended.ok() ? StatusCode::kOk : StatusCode::kNoSpace);
    EXPECT_EQ(queue->max().value, appended.ok() ? n + 1 : n);
    io_.Pass(test::IoCall::kReserve);
  }
  Put(*queue, 3);
  const auto places = Places(*queue);
  for (size_t n = 0; n < places.size(); ++n)
    EXPECT_EQ(places[n], static_cast<int64_t>(n / 3 * 70 + n % 3 * 20));
}

TEST_F(QueueExtensionTest, WhereTheLastUnitIsIsNotGuessedInAShortage) {
  auto queue = Load();
  Put(*queue, 2);
  for (const int64_t expected : {40, 70}) {
    mappings_.DropIdle();
    queue = Load();
    const int64_t n = queue->max().value;
    const ExtensionUnit unit{n, 1000 + n, {}};
    io_.FailAll(test::IoCall::kOpen, EMFILE);
    EXPECT_TRUE(IsShortage(queue->Append({{n * 100}, 100, n}, &unit).code()));
    io_.Pass(test::IoCall::kOpen);
    Put(*queue, 1);
    EXPECT_EQ(Place(*queue, n), expected);
  }
}

TEST_F(QueueExtensionTest, AFlushMakesUnitsDurableBeforeEntries) {
  auto queue = Load();
  Put(*queue, 2);
  io_.Fail(test::IoCall::kMappingSync, 1, EIO);
  EXPECT_FALSE(queue->Flush().ok());
  EXPECT_EQ(queue->unflushed_bytes(), 40);
  EXPECT_FALSE(queue->Flush().ok()) << "a failed sync is sticky";
}

TEST_F(QueueExtensionTest, ItsFilesGoWithTheEntriesThatTheyServe) {
  auto queue = Load();
  Put(*queue, 20);
  int removed = 0;
  ASSERT_TRUE(queue->AdvanceMin({11}, &removed).ok());
  EXPECT_EQ(removed, 2);
  EXPECT_FALSE(std::filesystem::exists(File(140)));
  EXPECT_TRUE(std::filesystem::exists(File(210)));
  EXPECT_EQ(Place(*queue, 11), 250);
  queue = Load();
  Put(*queue, 1);
  EXPECT_EQ(Place(*queue, 20), 460);
}

TEST_F(QueueExtensionTest, ItsDirectoryGoesWithTheQueue) {
  for (const bool enabled : {true, false}) {
    auto queue = Load();
    Put(*queue, 5);
    surroundings_.extension.enabled = enabled;
    queue = Load();
    ASSERT_TRUE(queue->Remove().ok());
    EXPECT_FALSE(std::filesystem::exists(root_ + "/ext/T/3"));
    surroundings_.extension.enabled = true;
    Put(*queue, 1);
    EXPECT_EQ(Places(*queue), (Offsets{0}));
    ASSERT_TRUE(queue->Remove().ok());
  }
}

}  // namespace
}  // namespace apogee
