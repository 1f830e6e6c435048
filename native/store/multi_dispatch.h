#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/offsets.h"

namespace apogee {

// One message in several queues ("light message queues"). A client names them in a property, joined
// by commas; the store keeps the offset the message got in each in another property, in the same
// order, and each queue has an entry that leads to the one record.
inline constexpr std::string_view kMultiDispatchProperty = "INNER_MULTI_DISPATCH";
inline constexpr std::string_view kMultiQueueOffsetProperty = "INNER_MULTI_QUEUE_OFFSET";
inline constexpr std::string_view kLmqPrefix = "%LMQ%";

struct MultiDispatchOptions {
  bool enabled = false;
  bool lmq_enabled = false;        // these queues have the id 0, else the message's
  int32_t max_lmq_queues = 20000;  // a message that would need more is refused
};

// Whether a queue may be named so: a valid topic name with the prefix. Any other name would let a
// client write into a topic it was not asked about.
bool IsLmqName(std::string_view name);

// The names in a property's value, or none when one of them is no such name, as also when the value
// is blank.
std::vector<std::string_view> LmqNames(std::string_view value);

// The property text with the offsets of its queues: what stood there under that name is replaced.
std::string WithMultiQueueOffsets(std::span<const uint8_t> properties,
                                  std::span<const int64_t> offsets);

struct LmqPlace {
  std::string_view topic;
  QueueOffset queue_offset;
};

// Where a stored message stands besides its own queue. None when names and offsets do not agree.
std::vector<LmqPlace> LmqPlaces(std::string_view names, std::string_view offsets);

}  // namespace apogee
