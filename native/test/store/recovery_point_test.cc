#include "format/recovery_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/bytes.h"
#include "store/recovery_progress.h"
#include "test/support/recovery_fixture.h"

namespace apogee {
namespace {

using test::CopyStore;
using test::Overwrite;
using test::ReadFile;

namespace fs = std::filesystem;

class RecoveryPointStoreTest : public test::RecoveryFixture {
 protected:
  std::optional<RecoveryPoint> Slot(int number) {
    const std::string bytes = ReadFile(options.root + "/recovery-point");
    RecoveryPoint point;
    if (bytes.size() != kRecoveryPointFileBytes) return std::nullopt;
    const auto* from = reinterpret_cast<const uint8_t*>(bytes.data()) +
                       static_cast<size_t>(number) * kRecoveryPointSlotBytes;
    const bool whole = DecodeRecoveryPoint(
        std::span<const uint8_t, kRecoveryPointBytes>(from, kRecoveryPointBytes), &point);
    return whole ? std::optional(point) : std::nullopt;
  }
  RecoveryPoint Newest() {
    const auto first = Slot(0);
    const auto second = Slot(1);
    if (!second || (first && first->sequence > second->sequence))
      return first.value_or(RecoveryPoint{});
    return *second;
  }
  // The point is written for everything there is, and so is the checkpoint.
  void AwaitPoint() {
    AwaitDispatched();
    const PhysicalOffset end = store->watermarks().appended;
    Await([&] { return Newest().offset == end && CheckpointOnDisk() == Newest().times; });
  }
};

TEST_F(RecoveryPointStoreTest, AKilledStoreIsReadFromThePointAndNotBefore) {
  PutMixed(100);  // seven segments
  AwaitPoint();
  const PhysicalOffset point = store->watermarks().appended;
  PutMixed(5);
  AwaitDispatched();
  Kill();
  Open();
  EXPECT_FALSE(store->recovery().clean);
  EXPECT_GE(store->recovery().checked_from, point);
  EXPECT_GE(store->recovery().dispatched_from, point);
  ExpectAllMixed(105);
}

TEST_F(RecoveryPointStoreTest, ACleanStartReadsNothingAgain) {
  PutMixed(100);
  const PhysicalOffset end = store->watermarks().appended;
  Close();
  Open();
  EXPECT_EQ(store->recovery().checked_from, end);
  EXPECT_EQ(store->recovery().dispatched_from, end);
  ExpectAllMixed(100);
}

TEST_F(RecoveryPointStoreTest, AMissingOrTornPointLeavesJavasRule) {
  PutMixed(100);
  Close();
  const std::string original = options.root;
  for (const std::string what : {"missing", "empty", "torn", "short"}) {
    SCOPED_TRACE(what);
    CopyStore(original, options.root = directory / what);
    const std::string path = options.root + "/recovery-point";
    if (what == "missing") fs::remove(path);
    if (what == "empty") fs::resize_file(path, 0);
    if (what == "short") fs::resize_file(path, 50);
    if (what == "torn") {
      Overwrite(path, 40, "torn");
      Overwrite(path, kRecoveryPointSlotBytes + 40, "torn");
    }
    Open();
    EXPECT_GT(store->recovery().checked_from.value, 0);  // the last three segments
    EXPECT_LT(store->recovery().checked_from, store->recovery().end);
    ExpectAllMixed(100);
    Close();
    Open();  // and there is a point again
    EXPECT_EQ(store->recovery().checked_from, store->recovery().end);
  }
}

TEST_F(RecoveryPointStoreTest, WithOneSlotTornTheOtherCounts) {
  PutMixed(30);
  AwaitPoint();
  const RecoveryPoint before = Newest();
  PutMixed(30);
  AwaitPoint();
  Kill();
  const RecoveryPoint newest = Newest();
  ASSERT_GT(newest.sequence, before.sequence);
  // As when the machine stopped while the newer one was written: the checkpoint comes after it.
  Overwrite(options.root + "/recovery-point",
            static_cast<int64_t>(newest.sequence % 2) * kRecoveryPointSlotBytes + 20, "torn");
  const auto other = Slot(static_cast<int>((newest.sequence + 1) % 2));
  ASSERT_TRUE(other);
  SetCheckpoint(other->times);
  Open();
  EXPECT_EQ(store->recovery().checked_from, other->offset);
  ExpectAllMixed(60);
}

TEST_F(RecoveryPointStoreTest, APointFromTheFutureOrOfAnotherLogIsPassedOver) {
  PutMixed(40);
  AwaitDispatched();
  CopyStore(options.root, directory / "old");
  PutMixed(40);
  Close();
  const std::string newer = options.root;
  options.root = directory / "old";
  for (const char* file : {"/recovery-point", "/checkpoint"}) {
    fs::copy_file(newer + file, options.root + file, fs::copy_options::overwrite_existing);
  }
  Open();
  EXPECT_LT(store->recovery().checked_from, store->recovery().end);
  ExpectAllMixed(40);
  // The log goes on otherwise, with records that end where those of the other log did.
  total_ = 40;
  clock.Advance(777);
  PutMixed(40);
  Close();
  for (const char* file : {"/recovery-point", "/checkpoint"}) {
    fs::copy_file(newer + file, options.root + file, fs::copy_options::overwrite_existing);
  }
  Open();
  EXPECT_LT(store->recovery().checked_from, store->recovery().end);
  ExpectAllMixed(80);
}

TEST_F(RecoveryPointStoreTest, AnotherProgramsCheckpointLeavesJavasRule) {
  PutMixed(40);
  Close();
  CheckpointTimes times = CheckpointOnDisk();
  times.logic_ms += 1;
  SetCheckpoint(times);
  Open();
  EXPECT_LT(store->recovery().checked_from, store->recovery().end);
  ExpectAllMixed(40);
}

TEST_F(RecoveryPointStoreTest, TheCheckpointNeverClaimsMoreThanThePoint) {
  for (int round = 0; round < 5; ++round) {
    PutMixed(20);
    AwaitPoint();
    const RecoveryPoint point = Newest();
    EXPECT_LE(point.offset, store->watermarks().flushed);
    EXPECT_EQ(point.checksums_to, point.offset);
    EXPECT_EQ(point.index_offset, point.offset);
    EXPECT_EQ(point.queue_entries, total_);
  }
}

TEST_F(RecoveryPointStoreTest, QueuesThatAreGoneAreMissedThoughNothingBehindThePointNamesThem) {
  PutMany("OLD", 12);
  PutMixed(100);
  Close();
  fs::remove_all(options.root + "/consumequeue/OLD");
  Open();
  EXPECT_EQ(store->recovery().dispatched_from.value, 0);
  EXPECT_EQ(store->recovery().added_entries, 12);
  EXPECT_EQ(ReadAll("OLD", 0).size(), 12u);
  ExpectAllMixed(100);
}

TEST_F(RecoveryPointStoreTest, IndexFilesThatAreGoneAreMadeAgain) {
  for (const bool clean : {true, false}) {
    PutMixed(100);  // two keys' worth of index files
    AwaitPoint();
    if (clean) Close();
    if (!clean) Kill();
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(options.root + "/index"))
      files.push_back(entry);
    std::sort(files.begin(), files.end());
    fs::remove(files.back());
    Open();
    ExpectAllMixed(total_);
  }
}

TEST_F(RecoveryPointStoreTest, AnIndexThatWasOffForAWhileIsCompleted) {
  PutMixed(20);
  Close();
  options.index_enabled = false;
  Open();
  PutMixed(20);
  Close();
  options.index_enabled = true;
  Open();
  ExpectAllMixed(40);
}

// Copies are taken between appends, at any time of the other threads, in the order in which a kill
// would find things: what the point claims is there, entries may be ahead of no record.
TEST_F(RecoveryPointStoreTest, KilledAtAnyTimeUnderLoadNothingIsLostOrThereTwice) {
  options.consume_queue_flush_interval_ms = 1;
  Close();
  Open();
  std::vector<std::string> copies;
  for (int i = 0; i < 12; ++i) {
    PutMixed(37 + i);
    copies.push_back(directory / ("at-any-time-" + std::to_string(i)));
    fs::create_directories(copies.back());
    for (const char* name : {"recovery-point", "checkpoint", "abort", "consumequeue", "index",
                             "checksums", "commitlog"}) {
      fs::copy(options.root + '/' + name, copies.back() + '/' + name, fs::copy_options::recursive);
    }
  }
  int put = 0;
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(copies[static_cast<size_t>(i)]);
    put += 37 + i;
    options.root = copies[static_cast<size_t>(i)];
    Drop();
    Open();
    EXPECT_FALSE(store->recovery().clean);
    EXPECT_EQ(store->recovery().damaged_ranges, 0);
    ExpectAllMixed(put);
    Close();
    Open();
    ExpectNoEntriesAdded();
    EXPECT_EQ(store->recovery().checked_from, store->recovery().end);
  }
}

TEST_F(RecoveryPointStoreTest, ProgressIsToldInPhasesWithTheirTotals) {
  PutMixed(100);
  AwaitDispatched();
  Kill();
  ForgetRecoveryPoint();
  SetCheckpoint({});
  std::vector<RecoveryProgress> told;
  StoreListener listener;
  listener.on_recovery_progress = [&](const RecoveryProgress& progress) {
    told.push_back(progress);
  };
  ASSERT_TRUE(MessageStore::Open(*io, clock, options, listener, &store).ok());
  ASSERT_GE(told.size(), 4u);
  EXPECT_EQ(told.front().phase, RecoveryPhase::kCheck);
  EXPECT_EQ(told.front().done_bytes, 0);
  EXPECT_EQ(told.back().phase, RecoveryPhase::kDispatch);
  EXPECT_EQ(told.back().done_bytes, told.back().total_bytes);
  EXPECT_EQ(told.back().total_bytes, store->recovery().end.value);
}

TEST(ProgressReporterTest, TellsAboutEach64MiBOrHalfSecond) {
  test::ManualClock clock;
  std::vector<int64_t> told;
  const std::function<void(const RecoveryProgress&)> listener =
      [&](const RecoveryProgress& progress) { told.push_back(progress.done_bytes >> 20); };
  ProgressReporter reporter(clock, listener);
  reporter.Begin(RecoveryPhase::kCheck, int64_t{200} << 20);
  for (int64_t mib = 1; mib <= 130; ++mib) reporter.Reached(mib << 20);
  clock.Advance(500);
  for (int64_t mib = 131; mib <= 140; ++mib) reporter.Reached(mib << 20);
  reporter.End();
  EXPECT_EQ(told, (std::vector<int64_t>{0, 64, 128, 131, 200}));
}

}  // namespace
}  // namespace apogee
