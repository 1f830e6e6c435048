#include "store/quarantine.h"

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

class QuarantineTest : public test::RecoveryFixture {
 protected:
  // Damages the third record and opens with all of the log to be checked.
  void OpenDamaged(int64_t at, std::string_view bytes) {
    Overwrite(Segment(0), at, bytes);
    ForgetRecoveryPoint();
    Open();
  }
  // Every message but one is served in its place.
  void ExpectAllBut(int lost, int count) {
    int found = 0;
    for (const char* topic : {"A", "B"}) {
      for (int queue = 0; queue < 2; ++queue) {
        for (const ReadMessage& message : ReadAll(topic, queue)) {
          EXPECT_NE(std::stoi(message.body), lost);
          ++found;
        }
      }
    }
    EXPECT_EQ(found, count - 1);
  }
  std::string Report() { return ReadFile(options.root + "/quarantine.json"); }
  int64_t third_ = 0;  // start of the third record, after FindThird
  void FindThird() {
    const auto messages = ReadAll("B", 0);
    ASSERT_GE(messages.size(), 1u);
    third_ = messages[0].physical_offset;
  }
};

TEST_F(QuarantineTest, DamageInFrontOfGoodRecordsIsKeptAndPassedOver) {
  PutMixed(60);
  AwaitDispatched();
  FindThird();
  for (const bool clean : {false, true}) {
    if (clean) Close();
    const std::string original = options.root;
    const std::string name = clean ? "clean" : "killed";
    CopyStore(original, options.root = directory / name);
    const std::string before = ReadFile(Segment(0));
    OpenDamaged(third_ + 200, "X");  // in its body
    if (clean) {
      // Java's rule checks the last three segments only; what is below is checked when it is read.
      EXPECT_EQ(store->recovery().damaged_ranges, 0);
    } else {
      EXPECT_EQ(store->recovery().damaged_ranges, 1);
      ASSERT_EQ(store->recovery().notes.size(), 1u);
      const std::string note = store->recovery().notes[0];
      EXPECT_NE(note.find(Segment(0) + " position " + std::to_string(third_) + ": body CRC"),
                std::string::npos)
          << note;
      EXPECT_NE(Report().find("\"from\": " + std::to_string(third_) + ", \"to\": "),
                std::string::npos)
          << Report();
    }
    ExpectAllBut(2, 60);
    std::vector<uint8_t> record;
    EXPECT_EQ(store->ReadRecord({third_}, &record).code(), StatusCode::kNotFound);
    EXPECT_EQ(ReadFile(Segment(0)).substr(static_cast<size_t>(third_), 100),
              before.substr(static_cast<size_t>(third_), 100));
    Put("NEW", 0, "new");
    Close();
    Open();
    EXPECT_EQ(ReadAll("NEW", 0).size(), 1u);
    ExpectAllBut(2, 60);
    Drop();
    options.root = original;
    if (!clean) Open();
  }
}

// Each way in which a record can stop being one.
TEST_F(QuarantineTest, RecordsBehindAnyDamageStayReachable) {
  PutMixed(60);
  AwaitDispatched();
  FindThird();
  Kill();
  const std::string original = options.root;
  struct Case {
    const char* name;
    int64_t at;
    std::string bytes;
  };
  for (const Case& damage :
       {Case{"size", 0, "\x7f"}, Case{"no size", 0, std::string(4, '\0')}, Case{"magic", 4, "Z"},
        Case{"position", 30, "\1"}, Case{"body length", 84, "\x7f"},
        Case{"sector", 0, std::string(512, '\0')}, Case{"noise", 3, std::string(700, '\xDA')}}) {
    SCOPED_TRACE(damage.name);
    Drop();
    CopyStore(original, options.root = directory / damage.name);
    SetCheckpoint({clock.NowMs(), clock.NowMs(), clock.NowMs()});
    OpenDamaged(third_ + damage.at, damage.bytes);
    EXPECT_EQ(store->recovery().damaged_ranges, 1);
    ExpectAllBut(2, 60);
    // With the queues gone the place of the lost one is filled: offsets do not move.
    Close();
    fs::remove_all(options.root + "/consumequeue");
    Open();
    ExpectAllBut(2, 60);
    QueueBounds bounds;
    ASSERT_TRUE(store->Bounds(Topic("B"), 0, &bounds));
    EXPECT_EQ(bounds.max.value, 20);
  }
}

TEST_F(QuarantineTest, ADamagedEndOfASegmentIsBridged) {
  PutMixed(40);
  AwaitDispatched();
  Kill();
  const std::string bytes = ReadFile(Segment(0));
  const auto blank = static_cast<int64_t>(bytes.find("\xCB\xD4\x31\x94")) - 4;
  SetCheckpoint({clock.NowMs(), clock.NowMs(), clock.NowMs()});
  OpenDamaged(blank, std::string(8, '\0'));
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  ExpectAllMixed(40);
}

TEST_F(QuarantineTest, TheQueueOffsetOfALostLastMessageIsNotGivenOutAgain) {
  PutMixed(6);
  const AppendResult last = Put("T", 0, "lost");
  Put("T", 1, "kept");
  AwaitDispatched();
  Kill();
  SetCheckpoint({clock.NowMs(), clock.NowMs(), clock.NowMs()});
  OpenDamaged(last.physical_offset.value + 90, "X");
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_TRUE(ReadAll("T", 0).empty());
  EXPECT_EQ(Put("T", 0, "next").queue_offset.value, 1);
  AwaitDispatched();
  ASSERT_EQ(ReadAll("T", 0).size(), 1u);
  EXPECT_EQ(ReadAll("T", 0)[0].body, "next");
}

TEST_F(QuarantineTest, UnderSyncFlushNothingBehindAHoleIsCut) {
  PutMixed(13);
  AwaitDispatched();
  Kill();
  Overwrite(Segment(0), 4096, std::string(4096, '\0'));
  SetCheckpoint({});
  ForgetRecoveryPoint();
  options.flush.mode = FlushMode::kSync;
  const int64_t end = total_;
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  QueueBounds bounds;
  int64_t entries = 0;
  for (const char* topic : {"A", "B"}) {
    for (int queue = 0; queue < 2; ++queue) {
      if (store->Bounds(Topic(topic), queue, &bounds)) entries += bounds.max.value;
    }
  }
  EXPECT_EQ(entries, end);
}

TEST_F(QuarantineTest, WhatWasKeptBehindAHoleUnderSyncFlushIsNotCutWithoutItEither) {
  PutMixed(13);
  AwaitDispatched();
  Kill();
  Overwrite(Segment(0), 4096, std::string(4096, '\0'));
  SetCheckpoint({});
  ForgetRecoveryPoint();
  options.flush.mode = FlushMode::kSync;
  Open();
  const AppendResult put = Put("NEW", 0, "promised");
  store->RequestFlush(store->watermarks().appended);
  Await([&] { return store->watermarks().flushed > put.physical_offset; });
  Kill();
  options.flush.mode = FlushMode::kAsync;
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_EQ(ReadAll("NEW", 0).size(), 1u);
}

TEST_F(QuarantineTest, OldRecordsOfARecycledSegmentAreNoRecords) {
  PutMixed(20);
  AwaitDispatched();
  Kill();
  // The last segment is made of the first one's file: zeros behind the log's end, then old bytes.
  const int64_t last = 16384;
  const std::string old = ReadFile(Segment(0));
  const std::string used = ReadFile(Segment(last));
  const size_t end = used.find_last_not_of('\0') + 1;
  for (const size_t zeros : {size_t{0}, size_t{8}, size_t{4096}}) {
    SCOPED_TRACE(zeros);
    const std::string killed = options.root;
    CopyStore(killed, options.root = directory / ("recycled-" + std::to_string(zeros)));
    Overwrite(Segment(last), static_cast<int64_t>(end + zeros),
              std::string_view(old).substr(end + zeros));
    ForgetRecoveryPoint();
    Open();
    EXPECT_EQ(store->recovery().damaged_ranges, 0);
    ExpectAllMixed(20);
    const auto at = static_cast<size_t>(store->recovery().end.value - last);
    EXPECT_EQ(ReadFile(Segment(last)).find_first_not_of('\0', at), std::string::npos);
    Drop();
    options.root = killed;
  }
}

TEST_F(QuarantineTest, AFullDiskKeepsTheReportAwayButNotTheStore) {
  PutMixed(60);
  AwaitDispatched();
  FindThird();
  Kill();
  Overwrite(Segment(0), third_ + 200, "X");
  ForgetRecoveryPoint();
  test::FaultyStoreIo faulty(PosixStoreIo());
  faulty.FailAll(test::IoCall::kRename, ENOSPC);
  io = &faulty;
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_EQ(store->recovery().notes.size(), 2u);
  ExpectAllBut(2, 60);
  Drop();
  io = &PosixStoreIo();
}

TEST(QuarantineRangesTest, TouchingOnesAreMerged) {
  Quarantine quarantine;
  EXPECT_FALSE(quarantine.Holds({0}));
  quarantine.Add({{100}, {200}, "a"});
  quarantine.Add({{400}, {500}, "b"});
  quarantine.Add({{150}, {400}, "c"});
  quarantine.Add({{0}, {10}, "d"});
  ASSERT_EQ(quarantine.ranges().size(), 2u);
  EXPECT_TRUE(quarantine.Holds({9}));
  EXPECT_FALSE(quarantine.Holds({10}));
  EXPECT_EQ(quarantine.Behind({100}).value, 500);
  EXPECT_EQ(quarantine.Behind({500}).value, 500);
}

TEST(QuarantineReportTest, KeepsWhatItHadAndDropsWhatTheLogNoLongerHas) {
  test::TempDirectory directory;
  const std::string path = directory / "quarantine.json";
  const auto write = [&](int64_t log_min, DamagedRange range) {
    return WriteQuarantine(PosixStoreIo(), directory.path(), {log_min}, 5, {range}).ok();
  };
  ASSERT_TRUE(write(0, {{100}, {200}, "first"}));
  ASSERT_TRUE(write(0, {{300}, {400}, "second"}));
  ASSERT_TRUE(write(0, {{300}, {400}, "again"}));
  EXPECT_EQ(ReadFile(path),
            "{\n  \"version\": 1,\n  \"ranges\": [\n"
            "    {\"from\": 100, \"to\": 200, \"reason\": \"first\", \"foundAtMs\": 5},\n"
            "    {\"from\": 300, \"to\": 400, \"reason\": \"second\", \"foundAtMs\": 5}\n  ]\n}\n");
  ASSERT_TRUE(write(250, {{500}, {600}, "third"}));
  EXPECT_EQ(ReadFile(path).find("first"), std::string::npos);
  EXPECT_NE(ReadFile(path).find("second"), std::string::npos);
  EXPECT_FALSE(fs::exists(path + ".tmp"));
}

}  // namespace
}  // namespace apogee
