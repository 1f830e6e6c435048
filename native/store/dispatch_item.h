#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/offsets.h"
#include "format/consume_queue_entry.h"
#include "format/message_record.h"
#include "index/index_service.h"

namespace apogee {

// The topic whose entries have the delivery time instead of a tag's hash code.
inline constexpr std::string_view kScheduleTopic = "SCHEDULE_TOPIC_XXXX";

// The properties of a record that queues and index are made of. Views into the stored text; empty:
// absent.
struct DispatchProperties {
  std::string_view tags;
  std::string_view keys;
  std::string_view unique_key;
  std::string_view delay_level;
  std::string_view multi_dispatch;
  std::string_view multi_queue_offset;
};

// Reads the stored text as Java does: name 0x01 value, joined by 0x02, the last of equal names
// counts.
DispatchProperties ReadDispatchProperties(std::span<const uint8_t> properties);

// What one log record adds to its consume queue and to the index. Views into the record.
struct DispatchItem {
  bool queued = false;   // false for prepared and rollback records, which have no place in a queue
  bool indexed = false;  // false for rollback records
  std::string_view topic;
  int32_t queue_id = 0;
  QueueOffset queue_offset;
  ConsumeQueueEntry entry;
  // Names and offsets as stored, see DispatchPlaces.
  std::string_view multi_queues;
  std::string_view multi_queue_offsets;
  bool extended = true;                 // the entry gets an extension unit where the store has them
  std::span<const uint8_t> properties;  // stored text
  IndexedRecord index;
};

// `delay_levels_ms`: see StoreOptions.
DispatchItem MakeDispatchItem(const RecordView& record, std::span<const int64_t> delay_levels_ms);

}  // namespace apogee
