#include "log/commit_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/bytes.h"
#include "test/support/faulty_store_io.h"
#include "test/support/manual_clock.h"
#include "test/support/temp_directory.h"

namespace apogee {
namespace {

using test::IoCall;

constexpr uint32_t kSegment = 16 * 1024;

class CommitLogTest : public testing::Test {
 protected:
  std::unique_ptr<CommitLog> Open() {
    CommitLogOptions options;
    options.directory = directory_ / "commitlog";
    options.segment_bytes = kSegment;
    options.max_body_bytes = 1 << 20;
    options.store_host.port = 10911;
    auto log = std::make_unique<CommitLog>(io_, clock_, options);
    const Status status = log->Load();
    EXPECT_TRUE(status.ok()) << status.ToString();
    return log;
  }
  MessageFields Message(size_t body_bytes) {
    if (body_.size() < body_bytes) body_.resize(body_bytes, 'b');
    MessageFields fields;
    fields.topic = "T";
    fields.body = {body_.data(), body_bytes};
    return fields;
  }
  // A message whose record takes exactly that much.
  MessageFields MessageOf(uint32_t record_bytes) { return Message(record_bytes - 92); }
  Status Append(CommitLog& log, MessageFields fields, PhysicalOffset* at = nullptr) {
    PhysicalOffset end;
    const Status status = log.Append({&fields, 1}, &end);
    if (at != nullptr) *at = fields.physical_offset;
    return status;
  }

  test::TempDirectory directory_;
  test::FaultyStoreIo io_{PosixStoreIo()};
  test::ManualClock clock_{1234567};
  std::vector<uint8_t> body_ = std::vector<uint8_t>(1 << 21, 'b');
};

TEST_F(CommitLogTest, AppendsRecordsThatParse) {
  auto log = Open();
  MessageFields records[] = {Message(10), Message(20)};
  PhysicalOffset end;
  ASSERT_TRUE(log->Append(records, &end).ok());
  EXPECT_EQ(records[0].physical_offset.value, 0);
  EXPECT_EQ(records[1].physical_offset.value, 102);
  EXPECT_EQ(end.value, 102 + 112);
  EXPECT_EQ(log->appended(), end);
  EXPECT_EQ(log->flushed().value, 0);
  EXPECT_EQ(log->last_store_time_ms(), 1234567);
  RecordRef ref;
  ASSERT_TRUE(log->Read({102}, 112, &ref).ok());
  const RecordView view = ParseRecord(ref.bytes, true);
  ASSERT_EQ(view.kind, RecordKind::kMessage);
  EXPECT_EQ(view.fields.store_time_ms, 1234567);
  EXPECT_EQ(view.fields.store_host.port, 10911);
  EXPECT_EQ(view.fields.physical_offset.value, 102);
}

TEST_F(CommitLogTest, ARecordAndItsBlankFillASegmentExactly) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 8)).ok());
  EXPECT_EQ(log->segments().files().size(), 1u);
  PhysicalOffset at;
  ASSERT_TRUE(Append(*log, MessageOf(100), &at).ok());
  EXPECT_EQ(at.value, kSegment);
  const uint8_t* blank = log->segments().First()->data() + kSegment - 8;
  EXPECT_EQ(LoadBe32(blank), 8u);
  EXPECT_EQ(LoadBe32(blank + 4), kBlankMagic);
}

TEST_F(CommitLogTest, RollsWhenRecordAndBlankDoNotFit) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  PhysicalOffset at;
  ASSERT_TRUE(Append(*log, MessageOf(993), &at).ok());
  EXPECT_EQ(at.value, kSegment);
  const auto first = log->segments().First();
  EXPECT_TRUE(first->full());
  const RecordView blank = ParseRecord({first->data() + kSegment - 1000, 1000}, true);
  EXPECT_EQ(blank.kind, RecordKind::kBlank);
  EXPECT_EQ(blank.size_bytes, 1000u);
  EXPECT_EQ(first->data()[kSegment - 1], 0);
}

TEST_F(CommitLogTest, ABatchMovesWhole) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  MessageFields batch[] = {MessageOf(600), MessageOf(600)};
  PhysicalOffset end;
  ASSERT_TRUE(log->Append(batch, &end).ok());
  EXPECT_EQ(batch[0].physical_offset.value, kSegment);
  EXPECT_EQ(batch[1].physical_offset.value, kSegment + 600);
  EXPECT_EQ(end.value, kSegment + 1200);
}

TEST_F(CommitLogTest, TooLargeIsRefusedBeforeAnythingIsWritten) {
  auto log = Open();
  EXPECT_EQ(Append(*log, Message((1 << 20) + 1)).code(), StatusCode::kTooLarge);
  EXPECT_EQ(Append(*log, MessageOf(kSegment - 7)).code(), StatusCode::kTooLarge);
  MessageFields fields = Message(1);
  fields.properties = {body_.data(), kMaxPropertiesBytes + 1};
  EXPECT_EQ(Append(*log, fields).code(), StatusCode::kTooLarge);
  const std::string topic(kMaxTopicBytes + 1, 't');
  fields = Message(1);
  fields.topic = topic;
  EXPECT_EQ(Append(*log, fields).code(), StatusCode::kTooLarge);
  std::vector<MessageFields> batch(20000, Message(1 << 20));
  PhysicalOffset end;
  EXPECT_EQ(log->Append(batch, &end).code(), StatusCode::kTooLarge);
  EXPECT_EQ(log->appended().value, 0);
  EXPECT_TRUE(log->segments().files().empty());
}

TEST_F(CommitLogTest, AnEmptyAppendDoesNothing) {
  auto log = Open();
  PhysicalOffset end{7};
  EXPECT_TRUE(log->Append({}, &end).ok());
  EXPECT_EQ(end.value, 0);
}

TEST_F(CommitLogTest, AFullDiskAtARollLeavesNothing) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  io_.Fail(IoCall::kReserve, 1, ENOSPC);
  EXPECT_EQ(Append(*log, MessageOf(2000)).code(), StatusCode::kNoSpace);
  EXPECT_EQ(log->appended().value, kSegment - 1000);
  EXPECT_EQ(log->segments().Last()->wrote(), kSegment - 1000);
  PhysicalOffset at;
  ASSERT_TRUE(Append(*log, MessageOf(500), &at).ok());  // what fits still goes in
  EXPECT_EQ(at.value, kSegment - 1000);
  ASSERT_TRUE(Append(*log, MessageOf(2000), &at).ok());
  EXPECT_EQ(at.value, kSegment);
}

TEST_F(CommitLogTest, ReadsOnlyWhereAMessageStarts) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  ASSERT_TRUE(Append(*log, MessageOf(2000)).ok());
  RecordRef ref;
  EXPECT_TRUE(log->Read({0}, 0, &ref).ok());
  EXPECT_EQ(ref.bytes.size(), kSegment - 1000);
  EXPECT_EQ(log->Read({0}, 1234, &ref).code(), StatusCode::kNotFound);
  EXPECT_EQ(log->Read({1}, 0, &ref).code(), StatusCode::kNotFound);
  EXPECT_EQ(log->Read({kSegment - 1000}, 0, &ref).code(), StatusCode::kNotFound);  // the blank
  EXPECT_TRUE(log->Read({kSegment}, 2000, &ref).ok());
  EXPECT_EQ(log->Read({kSegment + 2000}, 0, &ref).code(), StatusCode::kNotFound);
  EXPECT_EQ(log->Read({-1}, 0, &ref).code(), StatusCode::kNotFound);
  EXPECT_EQ(log->Read({INT64_MAX}, 0, &ref).code(), StatusCode::kNotFound);
}

TEST_F(CommitLogTest, ABodyThatHoldsARecordIsNoRecord) {
  auto log = Open();
  MessageFields inner = Message(10);
  inner.physical_offset = {77};
  std::vector<uint8_t> body(RecordSize(inner));
  EncodeRecord(inner, body.data());
  MessageFields outer = Message(0);
  outer.body = body;
  ASSERT_TRUE(Append(*log, outer).ok());
  RecordRef ref;
  EXPECT_EQ(log->Read({88}, 0, &ref).code(), StatusCode::kNotFound);
}

TEST_F(CommitLogTest, ReadSegmentEndsWithItsSegment) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  ASSERT_TRUE(Append(*log, MessageOf(2000)).ok());
  RecordRef ref;
  ASSERT_TRUE(log->ReadSegment({100}, &ref).ok());
  EXPECT_EQ(ref.bytes.size(), kSegment - 100);
  ASSERT_TRUE(log->ReadSegment({kSegment + 5}, &ref).ok());
  EXPECT_EQ(ref.bytes.size(), 1995u);
  EXPECT_EQ(log->ReadSegment({kSegment + 2000}, &ref).code(), StatusCode::kNotFound);
}

TEST_F(CommitLogTest, FlushCoversWhatIsAppendedAcrossSegments) {
  auto log = Open();
  for (int k = 0; k < 40; ++k) ASSERT_TRUE(Append(*log, MessageOf(3000)).ok());
  PhysicalOffset flushed;
  ASSERT_TRUE(log->Flush(&flushed).ok());
  EXPECT_EQ(flushed, log->appended());
  EXPECT_EQ(log->flushed(), flushed);
  EXPECT_EQ(log->flushed_store_time_ms(), 1234566);  // the clock still shows the time of the last
}

TEST_F(CommitLogTest, AFailedSyncKeepsWhatWasFlushedBefore) {
  auto log = Open();
  ASSERT_TRUE(Append(*log, MessageOf(3000)).ok());
  PhysicalOffset flushed;
  ASSERT_TRUE(log->Flush(&flushed).ok());
  ASSERT_TRUE(Append(*log, MessageOf(3000)).ok());
  io_.Fail(IoCall::kMappingSync, 1, EIO);
  EXPECT_EQ(log->Flush(&flushed).code(), StatusCode::kIoError);
  EXPECT_EQ(flushed.value, 3000);
  EXPECT_EQ(log->Flush(&flushed).code(), StatusCode::kIoError);
  EXPECT_EQ(log->flushed().value, 3000);
}

TEST_F(CommitLogTest, ContinuesBehindWhatRecoveryKept) {
  {
    auto log = Open();
    for (int k = 0; k < 12; ++k) ASSERT_TRUE(Append(*log, MessageOf(3000)).ok());
  }
  auto log = Open();
  EXPECT_EQ(log->appended().value, 3 * kSegment);
  ASSERT_TRUE(log->TruncateAfter({kSegment + 6000}, 999).ok());
  EXPECT_EQ(log->appended().value, kSegment + 6000);
  EXPECT_EQ(log->flushed().value, kSegment + 6000);
  EXPECT_EQ(log->last_store_time_ms(), 999);
  PhysicalOffset at;
  ASSERT_TRUE(Append(*log, MessageOf(3000), &at).ok());
  EXPECT_EQ(at.value, kSegment + 6000);
  // The old record that began behind the new one does not come back.
  RecordRef ref;
  ASSERT_TRUE(log->TruncateAfter({log->appended()}).ok());
  const auto file = log->segments().Last();
  EXPECT_EQ(ParseRecord({file->data() + 9000, kSegment - 9000}, true).kind, RecordKind::kEnd);
}

TEST_F(CommitLogTest, PrepareAheadMakesTheNextSegmentSoThatARollDoesNotCreate) {
  auto log = Open();
  while (log->PrepareAhead()) {
  }
  ASSERT_NE(log->segments().Prepared(), nullptr);
  ASSERT_TRUE(Append(*log, MessageOf(kSegment - 1000)).ok());
  while (log->PrepareAhead()) {
  }
  EXPECT_EQ(log->segments().Prepared()->start_offset(), kSegment);
  io_.Fail(IoCall::kReserve, 1, ENOSPC);
  PhysicalOffset at;
  EXPECT_TRUE(Append(*log, MessageOf(2000), &at).ok());
  EXPECT_EQ(at.value, kSegment);
}

// The checkpoint says that everything stored up to then is durable: another record of this very
// millisecond may still come.
TEST_F(CommitLogTest, TheFlushedStoreTimeIsNeverOneThatIsNotOver) {
  auto log = Open();
  const int64_t first_ms = clock_.NowMs();
  PhysicalOffset flushed;
  ASSERT_TRUE(Append(*log, MessageOf(500)).ok());
  ASSERT_TRUE(log->Flush(&flushed).ok());
  EXPECT_EQ(log->flushed_store_time_ms(), first_ms - 1);
  ASSERT_TRUE(Append(*log, MessageOf(500)).ok());
  clock_.Advance(1);
  ASSERT_TRUE(log->Flush(&flushed).ok());
  EXPECT_EQ(log->flushed_store_time_ms(), first_ms);
}

TEST_F(CommitLogTest, ReadersSeeWholeRecordsWhileTheAppenderRuns) {
  auto log = Open();
  std::atomic<bool> done{false};
  std::atomic<int> read{0};
  std::thread reader([&] {
    int64_t at = 0;
    while (!done.load() || at < log->appended().value) {
      RecordRef ref;
      if (!log->ReadSegment({at}, &ref).ok()) continue;
      const RecordView view = ParseRecord(ref.bytes, true);
      ASSERT_TRUE(view.kind == RecordKind::kMessage || view.kind == RecordKind::kBlank)
          << view.reason;
      if (view.kind == RecordKind::kMessage) ++read;
      at += view.size_bytes;
    }
  });
  std::thread flusher([&] {
    PhysicalOffset flushed;
    while (!done.load()) {
      ASSERT_TRUE(log->Flush(&flushed).ok());
      ASSERT_LE(flushed, log->appended());
      log->PrepareAhead();
    }
  });
  for (int k = 0; k < 2000; ++k)
    ASSERT_TRUE(Append(*log, Message(static_cast<size_t>(k % 700))).ok());
  done = true;
  reader.join();
  flusher.join();
  EXPECT_EQ(read.load(), 2000);
}

TEST_F(CommitLogTest, ABorrowedRecordOutlivesItsSegmentWhoseFileGoesAtOnce) {
  auto log = Open();
  MessageFields first = MessageOf(1000);
  PhysicalOffset end;
  ASSERT_TRUE(log->Append({&first, 1}, &end).ok());
  while (log->appended().value < kSegment) ASSERT_TRUE(Append(*log, MessageOf(4000)).ok());
  RecordRef borrowed;
  ASSERT_TRUE(log->Read({0}, 1000, &borrowed).ok());
  const std::vector<uint8_t> before(borrowed.bytes.begin(), borrowed.bytes.end());
  ASSERT_TRUE(log->segments().RemoveFirstBefore(kSegment).ok());
  EXPECT_FALSE(io_.Exists(directory_ / "commitlog/" + SegmentName(0)));
  RecordRef again;
  EXPECT_EQ(log->Read({0}, 0, &again).code(), StatusCode::kNotFound);
  log.reset();
  EXPECT_TRUE(std::ranges::equal(borrowed.bytes, before));
  EXPECT_EQ(ParseRecord(borrowed.bytes, true).kind, RecordKind::kMessage);
}

}  // namespace
}  // namespace apogee
