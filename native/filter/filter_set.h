#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "filter/program.h"

namespace apogee {

inline constexpr size_t kMaxFilterSetBytes = 8u << 20;
inline constexpr size_t kMaxFilterBitMapBytes = 32747;  // what an extension unit has room for
inline constexpr size_t kMaxFilterPositions = 64;       // of one filter in a bit map

// Filters of consumer groups by topic, each with its bits of a bloom filter. Immutable; any thread.
// Its bytes, big-endian:
//
//   version 1 = 1 | bytes of a bit map 4 | filters 4, each:
//   length 2, topic | positions 2, each 4 | length 4, program (see FilterProgram)
class FilterSet {
 public:
  // kInvalidArgument with what is wrong.
  static Status Parse(std::span<const uint8_t> bytes, std::shared_ptr<const FilterSet>* set);

  // Writes the bit map of a message: the bits of each filter of its topic that it passes, or may
  // pass. Gives its size in bytes; 0 when the topic has no filter, or the bit map no room.
  size_t BitMap(std::string_view topic, std::span<const uint8_t> properties,
                std::span<uint8_t> into) const;

 private:
  struct Filter {
    std::vector<uint32_t> positions;
    FilterProgram program;
  };
  struct TopicHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  size_t bit_map_bytes_ = 0;
  std::unordered_map<std::string, std::vector<Filter>, TopicHash, std::equal_to<>> topics_;
};

// The set that counts now. Any thread.
class CurrentFilterSet {
 public:
  void Set(std::shared_ptr<const FilterSet> set) {
    const std::lock_guard lock(mutex_);
    set_.swap(set);  // the last one goes after the lock
  }
  std::shared_ptr<const FilterSet> Get() const {
    const std::lock_guard lock(mutex_);
    return set_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const FilterSet> set_;
};

}  // namespace apogee
