#pragma once

#include <cstdint>

namespace apogee {

// The checkpoint file, 4096 bytes, big-endian: physical 0 | logic 8 | index 16; what follows
// belongs to later versions and is kept. Store times in ms: every record stored up to then is
// durable in the log (physical), in its consume queue (logic), in the index (index). 0: nothing is
// known.
struct CheckpointTimes {
  int64_t physical_ms = 0;
  int64_t logic_ms = 0;
  int64_t index_ms = 0;

  friend bool operator==(const CheckpointTimes&, const CheckpointTimes&) = default;
};

inline constexpr uint32_t kCheckpointFileBytes = 4096;
inline constexpr uint32_t kCheckpointUsedBytes = 24;
// Subtracted before a checkpoint time is compared with a record's.
inline constexpr int64_t kCheckpointMarginMs = 3000;

// Writes exactly kCheckpointUsedBytes.
void EncodeCheckpoint(const CheckpointTimes& times, uint8_t* into);
CheckpointTimes DecodeCheckpoint(const uint8_t* from);

}  // namespace apogee
