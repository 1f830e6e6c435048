#include "format/message_record.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace apogee {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

HostAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, int32_t port) {
  HostAddress host;
  const uint8_t address[] = {a, b, c, d};
  std::memcpy(host.address, address, 4);
  host.port = port;
  return host;
}

HostAddress V6(uint8_t fill, int32_t port) {
  HostAddress host;
  std::memset(host.address, fill, 16);
  host.address_bytes = 16;
  host.port = port;
  return host;
}

MessageFields Greeting() {
  MessageFields fields;
  fields.topic = "Greet";
  fields.queue_id = 3;
  fields.flag = 0x11223344;
  fields.queue_offset = {0x0102030405060708};
  fields.physical_offset = {0x1000};
  fields.born_time_ms = 0x18BCFE56800;  // 1700000000000
  fields.born_host = V4(10, 0, 0, 1, 40000);
  fields.store_time_ms = 0x18BCFE56801;
  fields.store_host = V4(127, 0, 0, 1, 10911);
  fields.reconsume_times = 2;
  fields.prepared_transaction_offset = 9;
  fields.body = Bytes("hello");
  fields.properties = Bytes("TAGS\x01TagA");
  return fields;
}

std::vector<uint8_t> Encode(const MessageFields& fields) {
  std::vector<uint8_t> record(RecordSize(fields));
  EncodeRecord(fields, record.data());
  return record;
}

TEST(MessageRecordTest, GoldenBytes) {
  // Written down from the layout, field by field.
  const std::vector<uint8_t> golden = {
      0x00, 0x00, 0x00, 0x6E,                          // total size 110 = 91 + 5 + 5 + 9
      0xDA, 0xA3, 0x20, 0xA7,                          // magic
      0x36, 0x10, 0xA6, 0x86,                          // CRC of "hello"
      0x00, 0x00, 0x00, 0x03,                          // queue id
      0x11, 0x22, 0x33, 0x44,                          // flag
      0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,  // queue offset
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,  // physical offset
      0x00, 0x00, 0x00, 0x00,                          // sysFlag
      0x00, 0x00, 0x01, 0x8B, 0xCF, 0xE5, 0x68, 0x00,  // born time
      0x0A, 0x00, 0x00, 0x01, 0x00, 0x00, 0x9C, 0x40,  // born host 10.0.0.1:40000
      0x00, 0x00, 0x01, 0x8B, 0xCF, 0xE5, 0x68, 0x01,  // store time
      0x7F, 0x00, 0x00, 0x01, 0x00, 0x00, 0x2A, 0x9F,  // store host 127.0.0.1:10911
      0x00, 0x00, 0x00, 0x02,                          // reconsume times
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09,  // prepared transaction offset
      0x00, 0x00, 0x00, 0x05, 'h',  'e',  'l',  'l',  'o',  0x05, 'G', 'r', 'e',
      'e',  't',  0x00, 0x09, 'T',  'A',  'G',  'S',  0x01, 'T',  'a', 'g', 'A',
  };
  EXPECT_EQ(Encode(Greeting()), golden);
}

void ExpectEqual(const MessageFields& got, const MessageFields& want) {
  EXPECT_EQ(got.topic, want.topic);
  EXPECT_EQ(got.queue_id, want.queue_id);
  EXPECT_EQ(got.flag, want.flag);
  EXPECT_EQ(got.queue_offset, want.queue_offset);
  EXPECT_EQ(got.physical_offset, want.physical_offset);
  EXPECT_EQ(got.born_time_ms, want.born_time_ms);
  EXPECT_EQ(got.store_time_ms, want.store_time_ms);
  EXPECT_EQ(got.reconsume_times, want.reconsume_times);
  EXPECT_EQ(got.prepared_transaction_offset, want.prepared_transaction_offset);
  EXPECT_TRUE(std::equal(got.body.begin(), got.body.end(), want.body.begin(), want.body.end()));
  EXPECT_TRUE(std::equal(got.properties.begin(), got.properties.end(), want.properties.begin(),
                         want.properties.end()));
  for (const auto& [a, b] :
       {std::pair{got.born_host, want.born_host}, std::pair{got.store_host, want.store_host}}) {
    EXPECT_EQ(a.address_bytes, b.address_bytes);
    EXPECT_EQ(std::memcmp(a.address, b.address, b.address_bytes), 0);
    EXPECT_EQ(a.port, b.port);
  }
}

TEST(MessageRecordTest, EveryMixOfHostFamiliesRoundTrips) {
  for (const bool born_v6 : {false, true}) {
    for (const bool store_v6 : {false, true}) {
      MessageFields fields = Greeting();
      if (born_v6) fields.born_host = V6(0xA1, 65535);
      if (store_v6) fields.store_host = V6(0xB2, 10911);
      // Family bits that the caller got wrong are put right, the others kept.
      fields.sys_flag = kSysFlagBornHostV6 | kSysFlagStoreHostV6 | 1;
      const auto record = Encode(fields);
      EXPECT_EQ(record.size(), 110u + (born_v6 ? 12 : 0) + (store_v6 ? 12 : 0));
      const RecordView view = ParseRecord(record, true);
      ASSERT_EQ(view.kind, RecordKind::kMessage) << view.reason;
      EXPECT_EQ(view.size_bytes, record.size());
      EXPECT_EQ(view.body_crc, 0x3610A686u);
      EXPECT_EQ(view.fields.sys_flag,
                1 | (born_v6 ? kSysFlagBornHostV6 : 0) | (store_v6 ? kSysFlagStoreHostV6 : 0));
      ExpectEqual(view.fields, fields);
    }
  }
}

TEST(MessageRecordTest, EmptyPartsRoundTrip) {
  MessageFields fields = Greeting();
  fields.body = {};
  fields.properties = {};
  const auto record = Encode(fields);
  const RecordView view = ParseRecord(record, true);
  ASSERT_EQ(view.kind, RecordKind::kMessage) << view.reason;
  EXPECT_EQ(view.body_crc, 0u);
  ExpectEqual(view.fields, fields);
}

TEST(MessageRecordTest, ReadsTheTwoByteTopicLengthOfV2) {
  const std::string topic(300, 't');
  auto record = Encode(Greeting());
  // Rebuilds the greeting as Java 5 writes a long topic.
  std::vector<uint8_t> v2(record.begin(), record.begin() + 93);
  v2.push_back(0x01);
  v2.push_back(0x2C);
  v2.insert(v2.end(), topic.begin(), topic.end());
  v2.insert(v2.end(), record.begin() + 99, record.end());
  StoreBe32(v2.data(), static_cast<uint32_t>(v2.size()));
  StoreBe32(v2.data() + 4, kMessageMagicV2);
  const RecordView view = ParseRecord(v2, true);
  ASSERT_EQ(view.kind, RecordKind::kMessage) << view.reason;
  EXPECT_EQ(view.fields.topic, topic);
  EXPECT_EQ(view.fields.properties.size(), 9u);
}

TEST(MessageRecordTest, KnowsTheEndAndTheBlank) {
  const std::vector<uint8_t> zeros(64, 0);
  EXPECT_EQ(ParseRecord(zeros, true).kind, RecordKind::kEnd);
  EXPECT_EQ(ParseRecord({}, true).kind, RecordKind::kEnd);
  EXPECT_EQ(ParseRecord(std::span(zeros).first(7), true).kind, RecordKind::kEnd);
  std::vector<uint8_t> blank(64, 0xEE);
  StoreBe32(blank.data(), 64);
  StoreBe32(blank.data() + 4, kBlankMagic);
  EXPECT_EQ(ParseRecord(blank, true).kind, RecordKind::kBlank);
  EXPECT_EQ(ParseRecord(blank, true).size_bytes, 64u);
  StoreBe32(blank.data(), 65);
  EXPECT_EQ(ParseRecord(blank, true).kind, RecordKind::kDamaged);
}

TEST(MessageRecordTest, ADamagedBodyIsSeenOnlyWhenTheCrcIsChecked) {
  auto record = Encode(Greeting());
  record[88] ^= 0x20;
  EXPECT_EQ(ParseRecord(record, true).kind, RecordKind::kDamaged);
  EXPECT_EQ(ParseRecord(record, true).reason, "body CRC does not match");
  EXPECT_EQ(ParseRecord(record, false).kind, RecordKind::kMessage);
}

TEST(MessageRecordTest, RefusesLengthsThatDoNotAddUp) {
  const auto good = Encode(Greeting());
  const auto with = [&](size_t at, uint32_t value) {
    auto record = good;
    StoreBe32(record.data() + at, value);
    return ParseRecord(record, false).kind;
  };
  EXPECT_EQ(with(0, 109), RecordKind::kDamaged);         // total size one short
  EXPECT_EQ(with(0, 111), RecordKind::kDamaged);         // beyond what may be read
  EXPECT_EQ(with(0, 0xFFFFFFFF), RecordKind::kDamaged);  // negative to Java
  EXPECT_EQ(with(0, 7), RecordKind::kDamaged);
  EXPECT_EQ(with(4, 0x12345678), RecordKind::kDamaged);   // magic
  EXPECT_EQ(with(84, 0xFFFFFFFB), RecordKind::kDamaged);  // body length
  EXPECT_EQ(with(84, 6), RecordKind::kDamaged);
  auto record = good;
  record[93] = 6;  // topic length
  EXPECT_EQ(ParseRecord(record, false).kind, RecordKind::kDamaged);
  record = good;
  StoreBe16(record.data() + 99, 0xFFFF);  // properties length
  EXPECT_EQ(ParseRecord(record, false).kind, RecordKind::kDamaged);
}

// A copy that ends where its allocation ends, so that a sanitizer sees a read beyond it.
RecordView ParseExact(const std::vector<uint8_t>& bytes, bool check_crc) {
  const auto exact = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  RecordView view = ParseRecord({exact.get(), bytes.size()}, check_crc);
  if (view.kind == RecordKind::kMessage) {
    // Views lie within the bytes.
    const auto inside = [&](const void* from, size_t count) {
      const auto* begin = static_cast<const uint8_t*>(from);
      return count == 0 || (begin >= exact.get() && begin + count <= exact.get() + bytes.size());
    };
    EXPECT_TRUE(inside(view.fields.body.data(), view.fields.body.size()));
    EXPECT_TRUE(inside(view.fields.topic.data(), view.fields.topic.size()));
    EXPECT_TRUE(inside(view.fields.properties.data(), view.fields.properties.size()));
    EXPECT_LE(view.size_bytes, bytes.size());
  }
  return view;
}

TEST(MessageRecordTest, EveryCutIsDamagedOrTheEnd) {
  const auto good = Encode(Greeting());
  for (size_t length = 0; length < good.size(); ++length) {
    const std::vector<uint8_t> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_NE(ParseExact(cut, true).kind, RecordKind::kMessage) << length;
  }
}

TEST(MessageRecordTest, RandomMutationsNeverReadOutside) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::vector<uint8_t>> seeds;
  for (int kind = 0; kind < 4; ++kind) {
    MessageFields fields = Greeting();
    if ((kind & 1) != 0) fields.born_host = V6(1, 1);
    if ((kind & 2) != 0) fields.store_host = V6(2, 2);
    seeds.push_back(Encode(fields));
  }
  constexpr uint32_t kHostile[] = {0,      1,      7,      8,          0x7F,       0x80,      0xFF,
                                   0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (int round = 0; round < 200000; ++round) {
    std::vector<uint8_t> record = seeds[random() % seeds.size()];
    for (uint32_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % record.size();
      if (random() % 2 == 0) {
        record[at] = static_cast<uint8_t>(random());
      } else if (at + 4 <= record.size()) {
        StoreBe32(record.data() + at, kHostile[random() % std::size(kHostile)]);
      }
    }
    if (random() % 4 == 0)
      StoreBe32(record.data() + 4, random() % 2 == 0 ? kMessageMagicV2 : kMessageMagicV1);
    if (random() % 4 == 0) record.resize(random() % (record.size() + 1));
    ParseExact(record, random() % 2 == 0);
  }
}

// The process may be killed between any two stores: what it leaves in the mapping is no message.
TEST(MessageRecord, IsNoneUntilItsLastByteIsThere) {
  MessageFields fields = Greeting();
  const uint32_t size = RecordSize(fields);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (uint32_t cut = 8; cut < size; ++cut) {
    void* memory =
        ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto* const into = static_cast<uint8_t*>(memory) + page - cut;
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGSEGV, SIG_DFL);
      ::mprotect(static_cast<uint8_t*>(memory) + page, page, PROT_NONE);
      EncodeRecord(fields, into);
      ::_exit(0);
    }
    int ended = 0;
    ASSERT_EQ(::waitpid(child, &ended, 0), child);
    EXPECT_TRUE(WIFSIGNALED(ended));
    EXPECT_NE(ParseRecord({into, size}, true).kind, RecordKind::kMessage) << "cut at " << cut;
    ::munmap(memory, 2 * page);
  }
}

}  // namespace
}  // namespace apogee
