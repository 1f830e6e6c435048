#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/offsets.h"
#include "base/status.h"

namespace apogee {

// The CommitLog record of RocketMQ 4.9 ("V1"), big-endian:
//
//   total size 4 | magic 4 | body CRC 4 | queue id 4 | flag 4 | queue offset 8 | physical offset 8
//   | sysFlag 4 | born time 8 | born host 4 or 16, port 4 | store time 8 | store host 4 or 16, port
//   4 | reconsume times 4 | prepared transaction offset 8 | body length 4, body | topic length 1,
//   topic | properties length 2, properties
//
// The V2 magic (5.x) has a two-byte topic length; it is read, never written.
inline constexpr uint32_t kMessageMagicV1 = 0xDAA320A7;
inline constexpr uint32_t kMessageMagicV2 = 0xDAA320AB;
inline constexpr uint32_t kBlankMagic =
    0xCBD43194;  // fills a segment's end: total size, then this magic
inline constexpr uint32_t kBlankBytes = 8;
inline constexpr uint32_t kMaxPropertiesBytes = 32767;
inline constexpr uint32_t kMaxTopicBytes = 127;
inline constexpr int32_t kSysFlagBornHostV6 = 1 << 4;
inline constexpr int32_t kSysFlagStoreHostV6 = 1 << 5;
inline constexpr int32_t kTransactionTypeMask = 3
                                                << 2;  // 0 none, 4 prepared, 8 commit, 12 rollback
inline constexpr int32_t kTransactionPrepared = 1 << 2;
inline constexpr int32_t kTransactionRollback = 3 << 2;

// IPv4 (address_bytes 4) or IPv6 (16) address and port, as stored.
struct HostAddress {
  uint8_t address[16] = {};
  uint8_t address_bytes = 4;
  int32_t port = 0;
};

// What one record is made of. Views live only during the call they are passed to.
struct MessageFields {
  std::string_view topic;
  int32_t queue_id = 0;
  int32_t flag = 0;
  int32_t sys_flag = 0;  // the host family bits are set by the encoder from the addresses
  QueueOffset queue_offset;
  PhysicalOffset physical_offset;
  int64_t born_time_ms = 0;
  HostAddress born_host;
  int64_t store_time_ms = 0;
  HostAddress store_host;
  int32_t reconsume_times = 0;
  int64_t prepared_transaction_offset = 0;
  std::span<const uint8_t> body;
  std::span<const uint8_t> properties;  // stored text: name 0x01 value, joined by 0x02
};

// Bytes the record will take.
uint32_t RecordSize(const MessageFields& fields);
// Writes exactly RecordSize(fields) bytes at `into`. CRC is zlib's CRC-32 with the top bit cleared.
void EncodeRecord(const MessageFields& fields, uint8_t* into);

enum class RecordKind : uint8_t {
  kMessage,
  kBlank,    // the rest of the segment is unused
  kEnd,      // zero magic or size: nothing was written here
  kDamaged,  // looks like no record, or its CRC or lengths are off; the reason is in
             // RecordView::reason
};

// A record in place. Views point into the bytes that were parsed.
struct RecordView {
  RecordKind kind = RecordKind::kEnd;
  uint32_t size_bytes = 0;         // whole record or blank
  std::span<const uint8_t> bytes;  // of a message, the whole record
  MessageFields fields;
  uint32_t body_crc = 0;
  std::string_view reason;
};

// Reads the record at the start of `bytes` (up to the end of what may be read). Never reads
// outside, never allocates; every length is checked first. `check_crc` verifies the body.
RecordView ParseRecord(std::span<const uint8_t> bytes, bool check_crc);

}  // namespace apogee
