#include "store/record_checksums.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "test/support/faulty_store_io.h"
#include "test/support/recovery_fixture.h"

namespace apogee {
namespace {

using test::CopyStore;
using test::Overwrite;
using test::ReadFile;
using test::ReadMessage;

namespace fs = std::filesystem;

class RecordChecksumsTest : public test::RecoveryFixture {
 protected:
  std::string ChecksumFile(int64_t segment) {
    return options.root + "/checksums/" + SegmentName(segment);
  }
  // How many entries all files have; each must be in order.
  int64_t Entries() {
    int64_t count = 0;
    for (const auto& file : fs::directory_iterator(options.root + "/checksums")) {
      const std::string bytes = ReadFile(file.path());
      EXPECT_EQ(bytes.size() % kRecordChecksumBytes, 0u);
      int64_t last = -1;
      for (size_t at = 0; at < bytes.size(); at += kRecordChecksumBytes) {
        const auto entry =
            DecodeRecordChecksum(reinterpret_cast<const uint8_t*>(bytes.data()) + at);
        EXPECT_GT(int64_t{entry.position}, last);
        last = entry.position;
        ++count;
      }
    }
    return count;
  }
};

TEST_F(RecordChecksumsTest, EveryRecordHasOne) {
  PutMixed(100);
  Close();
  EXPECT_EQ(Entries(), 100);
  Open();
  PutMixed(10);
  AwaitDispatched();
  Kill();
  Open();
  PutMixed(10);
  Close();
  EXPECT_EQ(Entries(), 120);
}

// Header, topic, properties, queue offset: what the body's CRC does not cover.
TEST_F(RecordChecksumsTest, AnyFlippedBitBelowThePointIsFoundWhenTheRecordIsRead) {
  PutMixed(60);
  AwaitDispatched();
  const ReadMessage hit = ReadAll("B", 0)[0];
  const ReadMessage next = ReadAll("B", 0)[1];
  std::vector<uint8_t> record;
  ASSERT_TRUE(store->ReadRecord({hit.physical_offset}, &record).ok());
  Close();
  const std::string original = options.root;
  const std::string bytes = ReadFile(Segment(0));
  for (size_t at = 0; at < record.size(); at += at < 90 || at + 20 > record.size() ? 1 : 97) {
    SCOPED_TRACE("byte " + std::to_string(at));
    const int64_t place = hit.physical_offset + static_cast<int64_t>(at);
    const auto flipped = static_cast<char>(bytes[static_cast<size_t>(place)] ^ 1);
    Overwrite(Segment(0), place, std::string(1, flipped));
    Open();
    EXPECT_EQ(store->recovery().checked_from, store->recovery().end);
    std::vector<uint8_t> read;
    EXPECT_EQ(store->ReadRecord({hit.physical_offset}, &read).code(), StatusCode::kNotFound);
    const auto served = ReadAll("B", 0);
    EXPECT_EQ(served.size(), 19u);
    EXPECT_EQ(served.front().body, next.body);
    Close();
    Overwrite(Segment(0), place, std::string(1, bytes[static_cast<size_t>(place)]));
  }
  Open();
  ExpectAllMixed(60);
}

TEST_F(RecordChecksumsTest, ARecordWhoseHeaderWasDamagedIsNotPutIntoAnotherQueue) {
  PutMixed(60);
  AwaitDispatched();
  const ReadMessage hit = ReadAll("B", 0)[0];
  Close();
  fs::remove_all(options.root + "/consumequeue");
  Overwrite(Segment(0), hit.physical_offset + 15, "\5");  // queue id 5
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  QueueBounds bounds;
  EXPECT_FALSE(store->Bounds(Topic("B"), 5, &bounds));
  EXPECT_EQ(ReadAll("B", 0).size(), 19u);
}

TEST_F(RecordChecksumsTest, ALogWithoutThemOpensAndGetsThem) {
  PutMixed(60);
  Close();
  // As Java leaves it.
  fs::remove_all(options.root + "/checksums");
  ForgetRecoveryPoint();
  Open();
  ExpectAllMixed(60);
  PutMixed(10);
  Close();
  const int64_t entries = Entries();
  EXPECT_GT(entries, 10);  // from where the log was dispatched again
  EXPECT_LT(entries, 70);
  Open();
  ExpectAllMixed(70);
}

TEST_F(RecordChecksumsTest, FilesThatAreGoneOrCutAreNoDamage) {
  PutMixed(60);
  Close();
  fs::remove(ChecksumFile(0));
  fs::resize_file(ChecksumFile(16384), 13);
  fs::create_directories(options.root + "/checksums/strange");
  Open();
  EXPECT_TRUE(store->recovery().notes.empty());
  EXPECT_EQ(ReadAll("A", 0).size() + ReadAll("A", 1).size() + ReadAll("B", 0).size() +
                ReadAll("B", 1).size(),
            60u);
}

// The file had grown, its pages had not been written when the power went.
TEST_F(RecordChecksumsTest, BlankEntriesBehindTheKnownOnesGoAndAreNoDamage) {
  PutMixed(40);
  Close();
  Open();  // all checksums are known
  Kill();
  const std::string last = ChecksumFile(32768);
  const auto known = static_cast<int64_t>(fs::file_size(last));
  fs::resize_file(last, static_cast<uintmax_t>(4 * known + 5));
  Open();
  EXPECT_EQ(static_cast<int64_t>(fs::file_size(last)), known);
  ExpectAllMixed(40);
  PutMixed(2);
  Close();
  EXPECT_EQ(Entries(), 42);
  // A known entry that is gone for whatever reason says nothing.
  Overwrite(last, 0, std::string(static_cast<size_t>(known), '\0'));
  Open();
  ExpectAllMixed(42);
  EXPECT_EQ(store->recovery().damaged_ranges, 0);
}

TEST_F(RecordChecksumsTest, WhatWasCutHasNoneLeft) {
  PutMixed(20);
  AwaitDispatched();
  Kill();
  // Only the point's range is trusted: entries of records that the log no longer has go.
  const int64_t cut = ReadFile(Segment(16384)).find_last_not_of('\0');
  Overwrite(Segment(16384), cut - 1500, std::string(1501, '\0'));
  ForgetRecoveryPoint();
  Open();
  const auto left = static_cast<int>(ReadAll("A", 0).size() + ReadAll("A", 1).size() +
                                     ReadAll("B", 0).size() + ReadAll("B", 1).size());
  EXPECT_LT(left, 20);
  PutMixed(5);
  Close();
  EXPECT_EQ(Entries(), left + 5);
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 0);
}

TEST_F(RecordChecksumsTest, AFullDiskCostsChecksumsAndNothingElse) {
  Close();
  test::TempDirectory elsewhere;
  test::FaultyStoreIo faulty(PosixStoreIo());
  RecordChecksums checksums(faulty, elsewhere / "checksums", 1 << 20);
  ASSERT_TRUE(checksums.KeepBelow({0}, {0}).ok());
  checksums.StartAt({0});
  faulty.FailAll(test::IoCall::kWrite, ENOSPC);
  for (int64_t at = 0; at < 200000; at += 2) {
    checksums.Put({at}, 7);
    checksums.Commit();
  }
  EXPECT_FALSE(checksums.Sync());
  faulty.Pass(test::IoCall::kWrite);
  EXPECT_TRUE(checksums.Sync());
  const uint64_t bytes = fs::file_size((elsewhere / "checksums/") + SegmentName(0));
  EXPECT_GT(bytes, 30000u * kRecordChecksumBytes);  // the newest
  EXPECT_LT(bytes, 100000u * kRecordChecksumBytes);
  // Any other failure ends it.
  faulty.FailAll(test::IoCall::kWrite, EIO);
  checksums.Put({300000}, 7);
  checksums.Commit();
  EXPECT_FALSE(checksums.Sync());
  faulty.Pass(test::IoCall::kWrite);
  EXPECT_FALSE(checksums.Sync());
}

TEST_F(RecordChecksumsTest, TheyGoWithTheirSegment) {
  PutMixed(60);
  Close();
  fs::remove(Segment(0));
  Open();
  const std::string first = ChecksumFile(0);
  Await([&] {
    PutMixed(1);
    return !fs::exists(first);
  });
  EXPECT_TRUE(fs::exists(ChecksumFile(16384)));
}

}  // namespace
}  // namespace apogee
