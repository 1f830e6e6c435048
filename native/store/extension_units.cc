#include "store/extension_units.h"

#include <algorithm>
#include <span>

namespace apogee {
namespace {

constexpr uint32_t kMostBitMapBytes = kMaxExtensionUnitBytes - kExtensionUnitBytes;

}  // namespace

ExtensionUnits::ExtensionUnits(const ConsumeQueueExtOptions& options)
    : options_(options), bit_map_(std::min((options.bit_map_bits + 7) / 8, kMostBitMapBytes)) {}

const ExtensionUnit* ExtensionUnits::Of(const DispatchItem& item) {
  if (!options_.enabled || !item.extended) return nullptr;
  unit_ = {item.entry.tag_code, item.index.store_time_ms, {}};
  if (options_.bit_map) {
    const size_t bytes =
        options_.bit_map({item.topic, item.entry.physical_offset, item.properties}, bit_map_);
    unit_.bit_map = std::span(bit_map_).first(std::min(bytes, bit_map_.size()));
  }
  return &unit_;
}

}  // namespace apogee
