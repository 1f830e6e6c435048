#pragma once

#include <cstdint>

#include "format/message_record.h"

namespace apogee {

// What a checksum file holds for each record of its segment, in their order: position in the
// segment 4 | checksum 4, big-endian. The file is named as the segment, in checksums/. Ours alone:
// the log's own bytes stay RocketMQ's, whose CRC covers bodies only.
struct RecordChecksum {
  uint32_t position = 0;
  uint32_t checksum = 0;

  friend bool operator==(const RecordChecksum&, const RecordChecksum&) = default;
};

inline constexpr uint32_t kRecordChecksumBytes = 8;

// Writes exactly kRecordChecksumBytes.
void EncodeRecordChecksum(const RecordChecksum& entry, uint8_t* into);
RecordChecksum DecodeRecordChecksum(const uint8_t* from);

// CRC-32C of a message record without the bytes of its body, whose own CRC it covers. `record` is
// parsed, whole, and still in place.
uint32_t ChecksumOf(const RecordView& record);

}  // namespace apogee
