#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>

#include "base/java_hash.h"
#include "format/extension_unit.h"
#include "test/support/faulty_store_io.h"
#include "test/support/recovery_fixture.h"

namespace apogee {
namespace {

// Messages of two tags in turn, whose entries have extension units.
class ExtensionTest : public test::RecoveryFixture {
 protected:
  ExtensionTest() {
    options.consume_queue_ext.enabled = true;
    options.consume_queue_ext.file_bytes = 244;  // twelve units
  }

  void PutTagged(int count, int body_bytes = 100) {
    for (int i = 0; i < count; ++i) {
      const int n = total_++;
      Put("T", 0, std::to_string(n) + std::string(static_cast<size_t>(body_bytes), '.'),
          test::Properties({{"TAGS", n % 2 == 0 ? "even" : "odd"}}));
      clock.Advance(10);
    }
    AwaitDispatched();
  }
  // Numbers of the messages that pass the filter.
  std::vector<int> PullTag(std::string_view tag) {
    const int32_t codes[] = {JavaHashCode(tag)};
    std::vector<int> numbers;
    QueueBounds bounds;
    if (!store->Bounds(Topic("T"), 0, &bounds)) return numbers;
    for (int64_t from = bounds.min.value; from < bounds.max.value;) {
      PullRequest request = From("T", 0, from);
      request.tag_codes = codes;
      std::vector<test::ReadMessage> messages;
      from = Pull(request, &messages).next_begin.value;
      for (const auto& message : messages) numbers.push_back(std::stoi(message.body));
    }
    return numbers;
  }
  void ExpectFiltered() {
    for (const int odd : {0, 1}) {
      std::vector<int> expected;
      for (int n = odd; n < total_; n += 2) expected.push_back(n);
      EXPECT_EQ(PullTag(odd == 0 ? "even" : "odd"), expected);
    }
    EXPECT_EQ(ReadAll("T", 0).size(), static_cast<size_t>(total_));
  }
  std::string ExtensionFile(int64_t start) {
    return options.root + "/consumequeue_ext/T/0/" + SegmentName(start);
  }
  // As it stands in the queue's file.
  int64_t StoredTagCode(int64_t n) {
    const int64_t at = n * kConsumeQueueEntryBytes;
    const std::string file = test::ReadFile(QueueFile("T/0", at - at % 400));
    return DecodeConsumeQueueEntry(reinterpret_cast<const uint8_t*>(file.data()) + at % 400)
        .tag_code;
  }
  // Entries [from, total_) have addresses, one behind the other, of their own units.
  void ExpectUnits(int64_t from = 0) {
    for (int64_t n = from; n < total_; ++n) {
      const int64_t offset = ExtensionOffsetOf(StoredTagCode(n));
      EXPECT_EQ(offset, n / 12 * 244 + n % 12 * 20) << n;
    }
    ConsumeQueueEntry entries[100];
    const size_t count = store->ReadEntries(Topic("T"), 0, {0}, entries);
    EXPECT_EQ(count, static_cast<size_t>(std::min(total_, 100)));
    for (size_t n = 0; n < count; ++n)
      EXPECT_EQ(entries[n].tag_code, JavaHashCode(n % 2 == 0 ? "even" : "odd")) << n;
  }
};

TEST_F(ExtensionTest, EntriesHaveTheAddressesOfUnitsThatFilter) {
  PutTagged(40);
  ExpectUnits();
  ExpectFiltered();
  Close();
  const std::string file = test::ReadFile(ExtensionFile(0));
  ASSERT_EQ(file.size(), 244u);
  ExtensionUnit unit;
  ASSERT_TRUE(DecodeExtensionUnit({reinterpret_cast<const uint8_t*>(file.data()), 20}, &unit));
  EXPECT_EQ(unit.tag_code, JavaHashCode("even"));
  Open();
  EXPECT_TRUE(store->recovery().notes.empty());
  ExpectFiltered();
}

TEST_F(ExtensionTest, SwitchedOnAndOffItReadsWhatIsThere) {
  PutTagged(10);
  Close();
  options.consume_queue_ext.enabled = false;
  Open();
  ExpectFiltered();
  PutTagged(10);
  EXPECT_EQ(StoredTagCode(19), JavaHashCode("odd"));
  ExpectFiltered();
  Kill();
  options.consume_queue_ext.enabled = true;
  Open();
  PutTagged(10);
  ExpectFiltered();
  EXPECT_EQ(StoredTagCode(20), ExtensionAddressOf(200));
}

TEST_F(ExtensionTest, AKillAtAnyPointKeepsUnitsAndEntriesTogether) {
  for (int round = 0; round < 8; ++round) {
    PutTagged(7);
    Kill();
    if (round % 2 == 1) ForgetRecoveryPoint();
    Open();
    ExpectUnits();
    ExpectFiltered();
  }
}

TEST_F(ExtensionTest, UnitsThatDidNotReachTheDeviceAreMadeAgain) {
  PutTagged(30);
  // What of its end is lost goes from nothing to everything, cut at any byte of a unit.
  for (int64_t lost_from : {580, 571, 560, 541, 500, 489, 243, 130, 7, 0}) {
    Kill();
    ForgetRecoveryPoint();
    for (int64_t start = lost_from - lost_from % 244; start < 732; start += 244) {
      const int64_t from = std::max<int64_t>(lost_from - start, 0);
      test::Overwrite(ExtensionFile(start), from, std::string(static_cast<size_t>(244 - from), 0));
    }
    Open();
    ExpectUnits();
    ExpectFiltered();
    PutTagged(1);
    ExpectUnits();
  }
}

TEST_F(ExtensionTest, UnitsAndEntriesThatDidNotReachTheDeviceAreMadeAgain) {
  PutTagged(30);
  Kill();
  ForgetRecoveryPoint();
  test::Overwrite(ExtensionFile(244), 100, std::string(144, 0));
  test::Overwrite(QueueFile("T/0", 400), 80, std::string(120, 0));
  Open();
  ExpectUnits();
  ExpectFiltered();
}

TEST_F(ExtensionTest, LostFilesAreMadeAgainAlsoOfAStoreThatWasClosed) {
  PutTagged(40);
  for (const bool enabled : {true, false}) {
    Close();
    std::filesystem::remove_all(options.root + "/consumequeue_ext");
    options.consume_queue_ext.enabled = enabled;
    Open();
    if (enabled) ExpectUnits();
    ExpectFiltered();
    EXPECT_EQ(StoredTagCode(0), enabled ? ExtensionAddressOf(0) : JavaHashCode("even"));
    Kill();
    Open();
    ExpectFiltered();
  }
}

TEST_F(ExtensionTest, AnOpeningThatFailsInTheMiddleCostsNothing) {
  PutTagged(40);
  Close();
  test::FaultyStoreIo faulty(PosixStoreIo());
  io = &faulty;
  int failed = 0;
  for (const test::IoCall call : {test::IoCall::kReserve, test::IoCall::kSync, test::IoCall::kZero,
                                  test::IoCall::kMappingSync, test::IoCall::kMap}) {
    std::filesystem::remove_all(options.root + "/consumequeue_ext");
    for (int kth = 1;; ++kth) {
      faulty.Fail(call, kth, EIO);
      const bool opened = TryOpen().ok();
      faulty.Pass(call);
      if (opened) break;
      ++failed;
    }
    ExpectFiltered();
    ASSERT_TRUE(store->Close().ok());
    Drop();
    Open();
    ExpectFiltered();
    Close();
  }
  EXPECT_GT(failed, 5);
  io = &PosixStoreIo();
}

TEST_F(ExtensionTest, TheLastFileMissingCostsTheUnitsFromThereOn) {
  PutTagged(40);
  Close();
  std::filesystem::remove(ExtensionFile(732));
  Open();
  ExpectUnits();
  ExpectFiltered();
}

TEST_F(ExtensionTest, MessagesPassWhoseUnitsAreLostUnseen) {
  PutTagged(40);
  Close();
  test::Overwrite(ExtensionFile(0), 0, std::string(40, 0));
  Open();
  EXPECT_EQ(PullTag("odd")[0], 0);
  EXPECT_EQ(PullTag("even").size(), 21u);
  ConsumeQueueEntry entries[3];
  ASSERT_EQ(store->ReadEntries(Topic("T"), 0, {0}, entries), 3u);
  EXPECT_EQ(entries[0].tag_code, ExtensionAddressOf(0));
  EXPECT_EQ(entries[2].tag_code, JavaHashCode("even"));
}

TEST_F(ExtensionTest, QueuesMadeAnewFromTheLogHaveUnits) {
  PutTagged(40);
  Close();
  std::filesystem::remove_all(options.root + "/consumequeue");
  Open();
  ExpectUnits();
  ExpectFiltered();
}

TEST_F(ExtensionTest, ItsFilesGoWithTheTopic) {
  PutTagged(40);
  ASSERT_TRUE(RemoveTopic("T").ok());
  EXPECT_FALSE(std::filesystem::exists(options.root + "/consumequeue_ext/T"));
  total_ = 0;
  PutTagged(5);
  ExpectUnits();
  ExpectFiltered();
  Kill();
  Open();
  ExpectUnits();
  ExpectFiltered();
}

TEST_F(ExtensionTest, EntriesOfAMultiDispatchHaveTheirTagCodes) {
  Close();
  options.multi_dispatch = {true, true, 100};
  Open();
  Put("T", 0, "0", test::Properties({{"TAGS", "even"}, {"INNER_MULTI_DISPATCH", "%LMQ%a"}}));
  AwaitDispatched();
  EXPECT_FALSE(std::filesystem::exists(options.root + "/consumequeue_ext/%LMQ%a"));
  EXPECT_EQ(StoredTagCode(0), ExtensionAddressOf(0));
  ConsumeQueueEntry entry;
  ASSERT_EQ(store->ReadEntries(Topic("%LMQ%a"), 0, {0}, {&entry, 1}), 1u);
  EXPECT_EQ(entry.tag_code, JavaHashCode("even"));
}

TEST_F(ExtensionTest, ItsFilesAreTrimmedWithTheQueue) {
  PutTagged(300);
  Close();
  for (int64_t start = 0; start < 16384; start += 16384) std::filesystem::remove(Segment(start));
  options.retention.delete_queue_files_interval_ms = 0;
  Open();
  QueueBounds bounds;
  ASSERT_TRUE(store->Bounds(Topic("T"), 0, &bounds));
  EXPECT_GT(bounds.min.value, 40);
  RetentionRequest request;
  request.kind = RetentionRequest::Kind::kSetTopic;
  request.topic = "T";
  request.topic_retention = {0, 10000};
  uint64_t ticket = 0;
  ASSERT_TRUE(store->RequestRetention(request, &ticket).ok());
  Await([&] { return !std::filesystem::exists(ExtensionFile(0)); });
  PutTagged(1);
  EXPECT_EQ(PullTag("even").back(), 300);
}

// The map of a message is its number.
class FilterBitMapTest : public ExtensionTest {
 protected:
  FilterBitMapTest() {
    options.consume_queue_ext.bit_map_bits = 64;
    options.consume_queue_ext.bit_map = [this](const FilterBitMapInput& message,
                                               std::span<uint8_t> into) -> size_t {
      EXPECT_EQ(message.topic, "T");
      EXPECT_EQ(into.size(), 8u);
      const std::string properties(message.properties.begin(), message.properties.end());
      if (properties.find("odd") != std::string::npos) return 0;
      const std::lock_guard lock(mutex_);
      asked_.push_back(message.physical_offset.value);
      std::ranges::fill(into, map_byte_);
      return 8;
    };
  }
  std::string Units() { return test::ReadFile(ExtensionFile(0)); }
  std::string Expected(char byte) { return std::string(8, byte); }

  std::mutex mutex_;
  std::vector<int64_t> asked_;
  uint8_t map_byte_ = 0xA5;
};

TEST_F(FilterBitMapTest, TheCallersBitMapStandsInTheUnit) {
  PutTagged(4);
  const std::string units = Units();
  EXPECT_EQ(units.substr(0, 2), std::string("\0\x1C", 2));
  EXPECT_EQ(units.substr(18, 2), std::string("\0\x08", 2));
  EXPECT_EQ(units.substr(20, 8), Expected('\xA5'));
  EXPECT_EQ(units.substr(28, 2), std::string("\0\x14", 2));
  EXPECT_EQ(units.substr(68, 8), Expected('\xA5'));
  ASSERT_EQ(asked_.size(), 2u);
  EXPECT_EQ(asked_[0], 0);
  EXPECT_GT(asked_[1], 0);
}

TEST_F(FilterBitMapTest, APullSkipsEntriesWhoseMapLacksABitOfItsFilter) {
  PutTagged(6);  // odd ones have no map
  const uint32_t positions[] = {0, 61};
  FilterBits bits{.positions = positions, .bit_map_bits = 64, .born_time_ms = 0};
  const auto passed = [&] {
    PullRequest request = From("T", 0, 0);
    request.filter_bits = &bits;
    std::vector<test::ReadMessage> messages;
    EXPECT_EQ(Pull(request, &messages).next_begin.value, 6);
    return messages.size();
  };
  EXPECT_EQ(passed(), 6u);  // A5 has the bits 0, 2, 5 and 7
  const uint32_t absent[] = {0, 62};
  bits.positions = absent;
  EXPECT_EQ(passed(), 3u);
  bits.bit_map_bits = 56;
  EXPECT_EQ(passed(), 6u);
  bits.bit_map_bits = 64;
  bits.known_from = {asked_[1]};
  EXPECT_EQ(passed(), 4u);
  bits.born_time_ms = INT64_MAX;
  EXPECT_EQ(passed(), 6u);
}

TEST_F(FilterBitMapTest, APullLooksAtNoMoreEntriesThanItMay) {
  PutTagged(6);
  const uint32_t absent[] = {1};
  const FilterBits bits{.positions = absent, .bit_map_bits = 64};
  PullRequest request = From("T", 0, 0);
  request.filter_bits = &bits;
  request.max_entries = 3;
  std::vector<test::ReadMessage> messages;
  EXPECT_EQ(Pull(request, &messages).next_begin.value, 3);
  EXPECT_EQ(messages.size(), 1u);
}

TEST_F(FilterBitMapTest, ARecoveryAfterACrashTrustsNoBitMapItCannotMakeAgain) {
  PutTagged(4);
  Kill();
  ForgetRecoveryPoint();
  map_byte_ = 0x11;
  Open();
  EXPECT_EQ(Units().substr(20, 8), Expected('\x11'));
  EXPECT_EQ(Units().substr(68, 8), Expected('\x11'));
  Kill();
  ForgetRecoveryPoint();
  options.consume_queue_ext.bit_map = nullptr;
  Open();
  ExpectUnits();
  ExpectFiltered();
}

TEST_F(FilterBitMapTest, BitMapsOfAClosedStoreStay) {
  PutTagged(4);
  Close();
  ForgetRecoveryPoint();
  options.consume_queue_ext.bit_map = nullptr;
  Open();
  EXPECT_EQ(Units().substr(20, 8), Expected('\xA5'));
  ExpectFiltered();
}

}  // namespace
}  // namespace apogee
