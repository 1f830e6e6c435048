#include "store/copy_check.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "test/support/recovery_fixture.h"

namespace apogee {
namespace {

using test::Overwrite;
using test::ReadFile;

class CopyCheckTest : public test::RecoveryFixture {
 protected:
  void SetUp() override {
    RecoveryFixture::SetUp();
    PutMixed(60);
    AwaitDispatched();
    const auto messages = ReadAll("B", 0);
    ASSERT_GE(messages.size(), 1u);
    third_ = {messages[0].physical_offset};
    std::vector<uint8_t> record;
    ASSERT_TRUE(store->ReadRecord(third_, &record).ok());
    size_ = static_cast<int64_t>(record.size());
  }
  void LookAt(int64_t from, size_t bytes) {
    ASSERT_TRUE(store->ReadLogAhead(++ticket_, {from}, bytes));
    uint32_t done = 0;
    while (store->TakeReadAhead({&done, 1}) == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    ASSERT_EQ(done, ticket_);
  }
  // As one who copies the log does, from `from` on. What was found, in one piece where it is one.
  std::vector<DamagedRange> Copy(int64_t from, size_t bytes) {
    Quarantine found;
    for (; from < store->watermarks().appended.value; from += static_cast<int64_t>(bytes)) {
      LookAt(from, bytes);
      for (const DamagedRange& range : store->TakeDamage()) found.Add(range);
    }
    return found.ranges();
  }
  void ExpectThird(const std::vector<DamagedRange>& found) {
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].from, third_);
    EXPECT_EQ(found[0].to, third_ + size_);
  }
  std::string Report() { return ReadFile(options.root + "/quarantine.json"); }

  PhysicalOffset third_;
  int64_t size_ = 0;
  uint32_t ticket_ = 0;
};

TEST_F(CopyCheckTest, NothingIsFoundInAGoodLogWhereverOneBegins) {
  for (const size_t bytes : {300, 700, 5000, 1 << 20}) {
    for (const int64_t from : {0, 1, 500, 1234, 20000}) {
      EXPECT_TRUE(Copy(from, bytes).empty()) << from << ' ' << bytes;
    }
  }
  LookAt(1 << 30, 1000);
  EXPECT_TRUE(store->TakeDamage().empty());
  EXPECT_FALSE(std::filesystem::exists(options.root + "/quarantine.json"));
}

// Each way in which a record can stop being one.
TEST_F(CopyCheckTest, ADamagedRecordIsFoundOnceHoweverTheLogIsCutIntoPieces) {
  Close();
  const std::string original = options.root;
  struct Case {
    const char* name;
    int64_t at;
    std::string bytes;
  };
  for (const Case& damage :
       {Case{"size", 0, "\x7f"}, Case{"no size", 0, std::string(4, '\0')}, Case{"magic", 4, "Z"},
        Case{"position", 30, "\1"}, Case{"body", 200, "X"}, Case{"property", size_ - 3, "X"},
        Case{"sector", 0, std::string(512, '\0')}, Case{"noise", 3, std::string(700, '\xDA')}}) {
    for (const size_t bytes : {300, 700, 5000, 1 << 20}) {
      SCOPED_TRACE(std::string(damage.name) + ' ' + std::to_string(bytes));
      test::CopyStore(original, options.root = directory / (damage.name + std::to_string(bytes)));
      Overwrite(Segment(0), third_.value + damage.at, damage.bytes);
      Open();
      EXPECT_EQ(store->recovery().damaged_ranges, 0) << "looked at below the recovery point";
      ExpectThird(Copy(0, bytes));
      EXPECT_NE(Report().find("\"from\": " + std::to_string(third_.value)), std::string::npos);
      EXPECT_TRUE(Copy(0, bytes).empty()) << "told twice";
      Close();
    }
  }
}

TEST_F(CopyCheckTest, TwoWhoCopyAtOnceMissNothing) {
  Overwrite(Segment(0), third_.value + 200, "X");
  Quarantine found;
  const int64_t end = store->watermarks().appended.value;
  for (int64_t at = 0; at < end; at += 400) {
    LookAt(at, 400);
    LookAt(end / 2 + at / 2, 200);
    for (const DamagedRange& range : store->TakeDamage()) found.Add(range);
  }
  ExpectThird(found.ranges());
}

TEST_F(CopyCheckTest, WhoBeginsWithinTheNewestRecordKeepsNobodyFromLookingAtThoseToCome) {
  const int64_t end = store->watermarks().appended.value;
  LookAt(end - 100, 1000);
  PutMixed(10);
  AwaitDispatched();
  const int64_t damaged = ReadAll("B", 1).back().physical_offset;
  ASSERT_GE(damaged, end);
  const int64_t segment = damaged - damaged % options.segment_bytes;
  Overwrite(Segment(segment), damaged - segment + 200, "X");
  const std::vector<DamagedRange> found = Copy(end - 100, 1000);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].from.value, damaged);
}

TEST_F(CopyCheckTest, MoreOfADamageThatIsKnownInPartIsTold) {
  Overwrite(Segment(0), third_.value + 4, "Z");  // no record begins there any more
  LookAt(0, static_cast<size_t>(third_.value + 300));
  ASSERT_EQ(store->TakeDamage().size(), 1u);
  const int64_t end = store->watermarks().appended.value;
  for (int i = 0; i < 8; ++i) LookAt(end - 1000, 1000);  // forgets where it was
  const std::vector<DamagedRange> found = Copy(0, 1 << 20);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].from.value, third_.value + 300);
  EXPECT_EQ(found[0].to, third_ + size_);
}

TEST_F(CopyCheckTest, WhatWasKnownAtTheStartIsNotToldAgain) {
  Kill();
  Overwrite(Segment(0), third_.value + 200, "X");
  ForgetRecoveryPoint();
  Open();
  EXPECT_EQ(store->recovery().damaged_ranges, 1);
  EXPECT_TRUE(Copy(0, 1000).empty());
}

}  // namespace
}  // namespace apogee
