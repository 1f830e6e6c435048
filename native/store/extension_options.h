#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/offsets.h"

namespace apogee {

// A message whose filter bit map is asked for. Views into the record.
struct FilterBitMapInput {
  std::string_view topic;
  PhysicalOffset physical_offset;
  std::span<const uint8_t> properties;  // stored text
};

// Writes a message's filter bit map, one bit for each consumer filter it passes, and returns its
// size in bytes: 0 when it has none, at most `into`. Called once for each entry on the dispatch
// thread, and on the opening thread by recovery, whose bytes must be the same for what was
// dispatched before: others are replaced. Must not block.
using FilterBitMap =
    std::function<size_t(const FilterBitMapInput& message, std::span<uint8_t> into)>;

// root/consumequeue_ext/TOPIC/QID/: a unit for each queue entry, see format/extension_unit.h.
struct ConsumeQueueExtOptions {
  // Whether new entries get units. Those of earlier entries are read in any case.
  bool enabled = false;
  uint32_t file_bytes = 48u << 20;  // of new files where there are none of another size
  uint32_t bit_map_bits = 64;       // most bits of a filter bit map, rounded up to bytes
  FilterBitMap bit_map;             // may be empty: no entry has one
};

}  // namespace apogee
