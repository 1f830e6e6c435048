#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace apogee {

// An index file, big-endian: header 40 | slots x 4 | items x 20. A slot holds the number of the
// newest item with its hash, 0 when none; items are numbered from 1 (item 0 is never used) and
// chained to older ones.
struct IndexHeader {
  int64_t begin_time_ms = 0;  // of the first record indexed here
  int64_t end_time_ms = 0;
  int64_t begin_offset = 0;  // physical
  int64_t end_offset = 0;    // physical start of the last record indexed
  int32_t used_slots = 0;
  int32_t count = 1;  // number of the next item

  friend bool operator==(const IndexHeader&, const IndexHeader&) = default;
};

struct IndexItem {
  int32_t key_hash = 0;
  int64_t physical_offset = 0;
  int32_t seconds = 0;   // since the header's begin time, at least 0
  int32_t previous = 0;  // older item of the same slot

  friend bool operator==(const IndexItem&, const IndexItem&) = default;
};

inline constexpr uint32_t kIndexHeaderBytes = 40;
inline constexpr uint32_t kIndexSlotBytes = 4;
inline constexpr uint32_t kIndexItemBytes = 20;

void EncodeIndexHeader(const IndexHeader& header, uint8_t* into);
IndexHeader DecodeIndexHeader(const uint8_t* from);
void EncodeIndexItem(const IndexItem& item, uint8_t* into);
IndexItem DecodeIndexItem(const uint8_t* from);

constexpr uint64_t IndexSlotAt(uint32_t slot) {
  return kIndexHeaderBytes + uint64_t{slot} * kIndexSlotBytes;
}
constexpr uint64_t IndexItemAt(uint32_t slots, uint32_t item) {
  return IndexSlotAt(slots) + uint64_t{item} * kIndexItemBytes;
}
constexpr uint64_t IndexFileBytes(uint32_t slots, uint32_t items) {
  return IndexItemAt(slots, items);
}

// abs(String.hashCode), and 0 for the one value that has no absolute.
int32_t IndexKeyHash(std::string_view index_key);
// What is hashed: TOPIC#KEY.
std::string IndexKey(std::string_view topic, std::string_view key);
// Seconds stored for a record, as Java clamps them.
int32_t IndexSeconds(int64_t store_time_ms, int64_t begin_time_ms);
// The time that stored seconds stand for, cut to whole seconds. Saturated: damaged bytes may say
// anything.
int64_t IndexTimeMs(int64_t begin_time_ms, int32_t seconds);
// yyyyMMddHHmmssSSS in local time: the name of an index file.
std::string IndexFileName(int64_t time_ms);

}  // namespace apogee
