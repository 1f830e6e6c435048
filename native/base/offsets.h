#pragma once

#include <compare>
#include <cstdint>

namespace apogee {

// Position of a byte in the whole CommitLog, counted from the first byte ever written.
struct PhysicalOffset {
  int64_t value = 0;
  friend constexpr auto operator<=>(PhysicalOffset, PhysicalOffset) = default;
  constexpr PhysicalOffset operator+(int64_t bytes) const { return {value + bytes}; }
  constexpr int64_t operator-(PhysicalOffset other) const { return value - other.value; }
};

// Position of a message in one queue, counted in messages from 0.
struct QueueOffset {
  int64_t value = 0;
  friend constexpr auto operator<=>(QueueOffset, QueueOffset) = default;
  constexpr QueueOffset operator+(int64_t messages) const { return {value + messages}; }
  constexpr int64_t operator-(QueueOffset other) const { return value - other.value; }
};

// Dense small integer that stands for a topic name within one open store.
struct TopicHandle {
  int32_t value = -1;
  friend constexpr auto operator<=>(TopicHandle, TopicHandle) = default;
};

}  // namespace apogee
