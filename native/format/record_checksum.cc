#include "format/record_checksum.h"

#include "base/bytes.h"
#include "base/crc32c.h"

namespace apogee {

void EncodeRecordChecksum(const RecordChecksum& entry, uint8_t* into) {
  StoreBe32(into, entry.position);
  StoreBe32(into + 4, entry.checksum);
}

RecordChecksum DecodeRecordChecksum(const uint8_t* from) {
  return {LoadBe32(from), LoadBe32(from + 4)};
}

uint32_t ChecksumOf(const RecordView& record) {
  const uint8_t* const begin = record.bytes.data();
  const uint8_t* const body = record.fields.body.data();
  const uint8_t* const behind = body + record.fields.body.size();
  const uint32_t head = Crc32c({begin, body});
  return Crc32c(head, {behind, begin + record.size_bytes});
}

}  // namespace apogee
