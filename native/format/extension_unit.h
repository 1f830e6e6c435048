#pragma once

#include <cstdint>
#include <span>

#include "format/consume_queue_entry.h"

namespace apogee {

// One unit of a queue's extension file, big-endian: size of the unit 2 | tag code 8 | store time in
// ms 8 | size of the bit map 2 | bit map. A queue entry has the unit's address instead of its tag
// code. A unit lies within one file, whose last kExtensionEndBytes hold none; the bytes FF FF stand
// where a file ends early.
struct ExtensionUnit {
  int64_t tag_code = 0;
  int64_t store_time_ms = 0;
  std::span<const uint8_t> bit_map;  // not owned

  uint32_t size_bytes() const;
};

inline constexpr uint32_t kExtensionUnitBytes = 20;  // of a unit without bit map
inline constexpr uint32_t kMaxExtensionUnitBytes = 32767;
inline constexpr uint32_t kExtensionEndBytes = 4;
inline constexpr uint32_t kExtensionEndMarkBytes = 2;

// Writes exactly unit.size_bytes(), which is at most kMaxExtensionUnitBytes.
void EncodeExtensionUnit(const ExtensionUnit& unit, uint8_t* into);
// The unit at the start of the bytes; the bit map is a view. False when none stands there.
bool DecodeExtensionUnit(std::span<const uint8_t> from, ExtensionUnit* unit);
// Writes exactly kExtensionEndMarkBytes.
void EncodeExtensionEnd(uint8_t* into);

// Addresses are offsets from INT64_MIN up, so that no tag code (32 bits) or time is one.
inline constexpr int64_t kMaxExtensionOffset = kMaxExtAddress - INT64_MIN;
constexpr bool IsExtensionAddress(int64_t tag_code) { return tag_code <= kMaxExtAddress; }
// `offset`: 0 to kMaxExtensionOffset.
constexpr int64_t ExtensionAddressOf(int64_t offset) { return offset + INT64_MIN; }
constexpr int64_t ExtensionOffsetOf(int64_t address) { return address - INT64_MIN; }

}  // namespace apogee
