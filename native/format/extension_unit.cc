#include "format/extension_unit.h"

#include <cstring>

#include "base/bytes.h"

namespace apogee {

uint32_t ExtensionUnit::size_bytes() const {
  return kExtensionUnitBytes + static_cast<uint32_t>(bit_map.size());
}

void EncodeExtensionUnit(const ExtensionUnit& unit, uint8_t* into) {
  StoreBe16(into, static_cast<uint16_t>(unit.size_bytes()));
  StoreBe64(into + 2, static_cast<uint64_t>(unit.tag_code));
  StoreBe64(into + 10, static_cast<uint64_t>(unit.store_time_ms));
  StoreBe16(into + 18, static_cast<uint16_t>(unit.bit_map.size()));
  if (!unit.bit_map.empty())
    std::memcpy(into + kExtensionUnitBytes, unit.bit_map.data(), unit.bit_map.size());
}

bool DecodeExtensionUnit(std::span<const uint8_t> from, ExtensionUnit* unit) {
  if (from.size() < kExtensionUnitBytes) return false;
  const uint32_t size_bytes = LoadBe16(from.data());
  const uint32_t bit_map_bytes = LoadBe16(from.data() + 18);
  if (size_bytes > kMaxExtensionUnitBytes || size_bytes > from.size() ||
      size_bytes != kExtensionUnitBytes + bit_map_bytes) {
    return false;
  }
  unit->tag_code = static_cast<int64_t>(LoadBe64(from.data() + 2));
  unit->store_time_ms = static_cast<int64_t>(LoadBe64(from.data() + 10));
  unit->bit_map = from.subspan(kExtensionUnitBytes, bit_map_bytes);
  return true;
}

void EncodeExtensionEnd(uint8_t* into) { StoreBe16(into, 0xFFFF); }

}  // namespace apogee
