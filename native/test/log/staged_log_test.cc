// CommitLog with a staging ring; what readers of a whole store see is in write_path_test.cc.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "log/commit_log.h"
#include "test/support/faulty_store_io.h"
#include "test/support/system_abilities.h"
#include "test/support/manual_clock.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using test::IoCall;

constexpr uint32_t kSegment = 16 * 1024;

class StagedLogTest : public testing::Test {
 protected:
  std::unique_ptr<CommitLog> Open(WritePath path = WritePath::kStaged, bool small_syncs = true) {
    CommitLogOptions options;
    options.directory = directory_ / "commitlog";
    options.segment_bytes = kSegment;
    options.write_path = path;
    options.staging_bytes = kLeastStagingBytes;
    options.staging_wait_ms = 0;
    options.recycle_directory = directory_ / "recycled";
    auto log = std::make_unique<CommitLog>(io_, clock_, options);
    const Status status = log->Load();
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (small_syncs) log->ExpectSmallSyncs();
    return log;
  }
  PhysicalOffset Append(CommitLog& log, uint32_t record_bytes) {
    MessageFields fields;
    fields.topic = "T";
    fields.body = {body_.data(), record_bytes - 92};
    PhysicalOffset end;
    const Status status = log.Append({&fields, 1}, &end);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return fields.physical_offset;
  }
  void Flush(CommitLog& log) { Flush(log, log.appended()); }
  void Flush(CommitLog& log, PhysicalOffset expected) {
    PhysicalOffset flushed;
    const Status status = log.Flush(&flushed);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(flushed, expected);
  }
  static void PrepareAll(CommitLog& log) {
    while (log.PrepareAhead()) {
    }
  }
  static bool ZeroBehind(CommitLog& log) {
    const auto last = log.segments().Last();
    for (auto at = log.committed().value - last->start_offset(); at < last->size(); ++at) {
      if (last->data()[at] != 0) return false;
    }
    return true;
  }
  int Calls() const {
    int calls = 0;
    for (size_t kind = 0; kind < test::kIoCallKinds; ++kind)
      calls += io_.calls(static_cast<IoCall>(kind));
    return calls;
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  test::ManualClock clock_{1234567};
  std::vector<uint8_t> body_ = std::vector<uint8_t>(kSegment, 'b');
};

// The appender rolls on while an earlier group is being synced; then a sync of what it left fails.
TEST_F(StagedLogTest, AFailedSyncOfAFullSegmentAcknowledgesNothingOfIt) {
  auto log = Open();
  Append(*log, 9000);
  const PhysicalOffset durable = log->appended();
  io_.Hold(IoCall::kWrite);
  std::thread first([&] { Flush(*log, durable); });
  io_.WaitUntilHeld(IoCall::kWrite);  // it knows how far it will go
  Append(*log, 7000);
  Append(*log, 9000);
  io_.Release(IoCall::kWrite);
  first.join();
  ASSERT_EQ(log->flushed(), durable);
  io_.Fail(IoCall::kSync, 1, EIO);
  PhysicalOffset flushed;
  EXPECT_EQ(log->Flush(&flushed).code(), StatusCode::kIoError);
  EXPECT_EQ(flushed, durable);
  EXPECT_EQ(log->flushed(), durable);
}

TEST_F(StagedLogTest, NothingIsReadableBeforeItIsCommitted) {
  auto log = Open();
  const PhysicalOffset at = Append(*log, 500);
  RecordRef ref;
  EXPECT_EQ(log->Read(at, 0, &ref).code(), StatusCode::kNotFound);
  EXPECT_EQ(log->committed().value, 0);
  ASSERT_TRUE(log->Commit().ok());
  EXPECT_EQ(log->committed(), log->appended());
  EXPECT_EQ(log->flushed().value, 0);
  ASSERT_TRUE(log->Read(at, 500, &ref).ok());
  EXPECT_EQ(ParseRecord(ref.bytes, true).kind, RecordKind::kMessage);
}

TEST_F(StagedLogTest, ItTellsHowFarTheSegmentIsPrepared) {
  auto log = Open();
  EXPECT_EQ(log->prepared().value, 0);
  PrepareAll(*log);
  EXPECT_EQ(log->prepared().value, kSegment);
}

TEST_F(StagedLogTest, OneWriteAndOneSyncForAllThatWait) {
  auto log = Open();
  PrepareAll(*log);
  Append(*log, 500);
  const int writes = io_.calls(IoCall::kWrite);
  const int syncs = io_.calls(IoCall::kSync);
  for (int i = 0; i < 20; ++i) Append(*log, 500);
  Flush(*log);
  EXPECT_EQ(io_.calls(IoCall::kWrite), writes + 1);
  EXPECT_EQ(io_.calls(IoCall::kSync), syncs + 1);
}

// Up to there readers go while the rest is being written.
TEST_F(StagedLogTest, EachOfSeveralWritesEndsBehindAWholeRecord) {
  CommitLogOptions options;
  options.directory = directory_ / "large";
  options.segment_bytes = 32 << 20;
  options.write_path = WritePath::kStaged;
  options.staging_bytes = 32 << 20;
  CommitLog log(io_, clock_, options);
  ASSERT_TRUE(log.Load().ok());
  constexpr int64_t kWrite = LogCommitter::kWriteBytes;
  while (log.appended().value < 2 * kWrite) Append(log, 777 + log.appended().value % 1000);
  io_.Fail(IoCall::kWrite, 2, EIO);
  EXPECT_EQ(log.Commit().code(), StatusCode::kIoError);
  const int64_t committed = log.committed().value;
  EXPECT_GE(committed, kWrite);
  EXPECT_LT(committed, kWrite + 2000);
  RecordRef bytes;
  ASSERT_TRUE(log.ReadSegment({0}, &bytes).ok());
  int64_t at = 0;
  uint32_t size_bytes = 0;
  while (IsRecordAt(bytes.bytes.subspan(static_cast<size_t>(at)), {at}, &size_bytes)) {
    at += size_bytes;
  }
  EXPECT_EQ(at, committed);
}

// The memory is moved while records are written into it and from it to the device.
TEST_F(StagedLogTest, RecordsStayWhatTheyAreWhileTheRingGetsLargePages) {
  CommitLogOptions options;
  options.directory = directory_ / "large";
  options.segment_bytes = 8 << 20;
  options.write_path = WritePath::kStaged;
  options.staging_bytes = 16 << 20;
  options.staging_wait_ms = 60'000;
  options.direct_io = true;
  CommitLog log(io_, clock_, options);
  ASSERT_TRUE(log.Load().ok());
  const int64_t large_before = test::LargeBytes();
  std::atomic<bool> done = false;
  std::thread preparer([&] {
    while (!done) log.PrepareAhead();
  });
  std::thread committer([&] {
    while (!done) EXPECT_TRUE(log.Commit().ok());
  });
  std::vector<PhysicalOffset> records;
  while (log.appended().value < 64 << 20) records.push_back(Append(log, 10'000));
  done = true;
  preparer.join();
  committer.join();
  ASSERT_TRUE(log.Commit().ok());
  if (test::SystemMakesLargePages()) {
    EXPECT_GT(test::LargeBytes(), large_before);
  }
  for (const PhysicalOffset at : records) {
    RecordRef ref;
    ASSERT_TRUE(log.Read(at, 0, &ref).ok());
    ASSERT_EQ(ParseRecord(ref.bytes, true).kind, RecordKind::kMessage) << at.value;
  }
}

TEST_F(StagedLogTest, ARollIntoAPreparedSegmentTouchesNoFile) {
  auto log = Open();
  Append(*log, kSegment - 1000);
  PrepareAll(*log);
  const int calls = Calls();
  EXPECT_EQ(Append(*log, 2000).value, kSegment);
  EXPECT_EQ(Calls(), calls);
  Flush(*log);
  EXPECT_TRUE(log->segments().First()->full());
}

TEST_F(StagedLogTest, AFullRingIsBusyAndLeavesTheLogAsItWas) {
  auto log = Open();
  for (int i = 0; i < 4; ++i) Append(*log, kSegment - 8);
  MessageFields fields;
  fields.topic = "T";
  PhysicalOffset end;
  EXPECT_EQ(log->Append({&fields, 1}, &end).code(), StatusCode::kBusy);
  Flush(*log);
  EXPECT_EQ(Append(*log, 100).value, 4 * kSegment);
}

TEST_F(StagedLogTest, TheNextSegmentIsHadBeforeAnythingIsTaken) {
  auto log = Open();
  Append(*log, kSegment - 1000);
  io_.FailAll(IoCall::kReserve, ENOSPC);
  MessageFields fields;
  fields.topic = "T";
  fields.body = {body_.data(), 2000};
  PhysicalOffset end;
  EXPECT_EQ(log->Append({&fields, 1}, &end).code(), StatusCode::kNoSpace);
  EXPECT_EQ(log->appended().value, kSegment - 1000);
  Flush(*log);
}

TEST_F(StagedLogTest, ZerosWrittenAheadNeverOverwriteRecords) {
  auto log = Open();
  for (int i = 0; i < 200; ++i) {
    const PhysicalOffset at = Append(*log, 300 + static_cast<uint32_t>(i) * 7);
    log->PrepareAhead();
    Flush(*log);
    log->PrepareAhead();
    RecordRef ref;
    ASSERT_TRUE(log->Read(at, 0, &ref).ok());
    EXPECT_EQ(ParseRecord(ref.bytes, true).kind, RecordKind::kMessage);
    EXPECT_TRUE(ZeroBehind(*log));
  }
}

TEST_F(StagedLogTest, RecycledSegmentsBringNothingBack) {
  for (const auto& [path, small_syncs] : {std::pair(WritePath::kStaged, true),
                                          {WritePath::kMapped, true},
                                          {WritePath::kStaged, false},
                                          {WritePath::kMapped, false}}) {
    auto log = Open(path, small_syncs);
    ASSERT_TRUE(log->TruncateAfter(log->appended(), clock_.NowMs()).ok());
    int written = 0;
    const int forgotten = io_.calls(IoCall::kForget);
    for (int i = 0; i < 200; ++i) {
      PrepareAll(*log);
      Append(*log, 3000);
      Flush(*log);
      EXPECT_TRUE(ZeroBehind(*log)) << i;
      if (log->segments().Last()->prewritten()) ++written;
      [[maybe_unused]] const Status retired =
          log->segments().RemoveFirstBefore(log->appended().value - kSegment);
      if (const auto prepared = log->segments().Prepared()) {
        EXPECT_EQ(prepared->data()[0], 0);
        EXPECT_EQ(std::memcmp(prepared->data(), prepared->data() + 1, kSegment - 1), 0);
      }
    }
    // A file system that cannot is written to, as if syncs were small.
    EXPECT_EQ(written > 50, small_syncs || !test::CanForget(directory_ / "forget"));
    EXPECT_EQ(io_.calls(IoCall::kForget) > forgotten + 10, !small_syncs);
    ASSERT_TRUE(log->segments().RemoveAll().ok());
  }
}

TEST_F(StagedLogTest, AFailedStepOfZerosIsNobodysFailure) {
  auto log = Open();
  Append(*log, 500);
  io_.Fail(IoCall::kWrite, 1, EIO);
  EXPECT_FALSE(log->PrepareAhead());
  Flush(*log);
}

}  // namespace
}  // namespace apogee
