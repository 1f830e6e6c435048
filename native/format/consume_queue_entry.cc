#include "format/consume_queue_entry.h"

#include "base/bytes.h"

namespace apogee {

void EncodeConsumeQueueEntry(const ConsumeQueueEntry& entry, uint8_t* into) {
  StoreBe64(into, static_cast<uint64_t>(entry.physical_offset.value));
  StoreBe32(into + 8, static_cast<uint32_t>(entry.size_bytes));
  StoreBe64(into + 12, static_cast<uint64_t>(entry.tag_code));
}

ConsumeQueueEntry DecodeConsumeQueueEntry(const uint8_t* from) {
  return {{static_cast<int64_t>(LoadBe64(from))},
          static_cast<int32_t>(LoadBe32(from + 8)),
          static_cast<int64_t>(LoadBe64(from + 12))};
}

}  // namespace apogee
