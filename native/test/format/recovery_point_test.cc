#include "format/recovery_point.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "format/record_checksum.h"

namespace apogee {
namespace {

RecoveryPoint Some() {
  return {7,
          {1 << 20},
          {(1 << 20) - 200},
          0xDEADBEEF,
          {1 << 20},
          {4096},
          {1 << 20},
          4711,
          99,
          {1700000000000, 1700000000001, 1700000000002}};
}

TEST(RecoveryPointTest, ReadsBackWhatWasWritten) {
  std::array<uint8_t, kRecoveryPointBytes> bytes{};
  EncodeRecoveryPoint(Some(), bytes.data());
  EXPECT_EQ(std::memcmp(bytes.data(), "APOGEE01", 8), 0);
  RecoveryPoint read;
  ASSERT_TRUE(DecodeRecoveryPoint(bytes, &read));
  EXPECT_EQ(read, Some());
}

TEST(RecoveryPointTest, EveryFlippedBitIsFound) {
  std::array<uint8_t, kRecoveryPointBytes> bytes{};
  RecoveryPoint read;
  EXPECT_FALSE(DecodeRecoveryPoint(bytes, &read));  // never written
  EncodeRecoveryPoint(Some(), bytes.data());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(DecodeRecoveryPoint(bytes, &read)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
}

TEST(RecordChecksumTest, CoversEverythingButTheBodysBytes) {
  MessageFields fields;
  fields.topic = "T";
  fields.physical_offset = {4096};
  const uint8_t body[] = {1, 2, 3, 4, 5};
  const uint8_t properties[] = {'A', 1, 'b', 2};
  fields.body = body;
  fields.properties = properties;
  std::vector<uint8_t> bytes(RecordSize(fields));
  EncodeRecord(fields, bytes.data());
  const RecordView whole = ParseRecord(bytes, true);
  ASSERT_EQ(whole.kind, RecordKind::kMessage);
  const uint32_t checksum = ChecksumOf(whole);
  const auto body_at = static_cast<size_t>(whole.fields.body.data() - bytes.data());
  for (size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 1;
    const RecordView record = ParseRecord(bytes, false);
    const bool in_body = at >= body_at && at < body_at + sizeof body;
    if (record.kind == RecordKind::kMessage) {
      EXPECT_EQ(ChecksumOf(record) == checksum, in_body) << at;
    }
    bytes[at] ^= 1;
  }
  uint8_t entry[kRecordChecksumBytes];
  EncodeRecordChecksum({0x01020304, checksum}, entry);
  EXPECT_EQ(entry[0], 1);
  EXPECT_EQ(DecodeRecordChecksum(entry), (RecordChecksum{0x01020304, checksum}));
}

}  // namespace
}  // namespace apogee
