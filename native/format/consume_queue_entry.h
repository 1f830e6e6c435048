#pragma once

#include <cstdint>

#include "base/offsets.h"

namespace apogee {

// One unit of a consume queue, 20 bytes big-endian: physical offset 8 | record size 4 | tag code 8.
// Unit n of a queue stands for queue offset n.
struct ConsumeQueueEntry {
  PhysicalOffset physical_offset;
  int32_t size_bytes = 0;
  // String.hashCode of the tag widened, 0 without tag; in SCHEDULE_TOPIC_XXXX the delivery time in
  // ms; at most kMaxExtAddress: an address into consumequeue_ext.
  int64_t tag_code = 0;

  friend bool operator==(const ConsumeQueueEntry&, const ConsumeQueueEntry&) = default;

  // False for bytes where nothing was written.
  bool live() const { return physical_offset.value >= 0 && size_bytes > 0; }
  // Saturated: damaged bytes may say anything.
  PhysicalOffset end() const {
    int64_t end = 0;
    const bool beyond = __builtin_add_overflow(physical_offset.value, int64_t{size_bytes}, &end);
    return {beyond ? INT64_MAX : end};
  }
};

inline constexpr uint32_t kConsumeQueueEntryBytes = 20;
inline constexpr int64_t kMaxExtAddress = -2147483649;

// Stands before the first message of a queue that does not begin at 0, and where the log has lost
// one. Live to Java.
inline constexpr ConsumeQueueEntry kFillEntry{{0}, 0x7FFFFFFF, 0};

// Writes exactly kConsumeQueueEntryBytes.
void EncodeConsumeQueueEntry(const ConsumeQueueEntry& entry, uint8_t* into);
ConsumeQueueEntry DecodeConsumeQueueEntry(const uint8_t* from);

}  // namespace apogee
