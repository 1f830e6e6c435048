#pragma once

#include <cstdint>
#include <span>

#include "base/offsets.h"
#include "format/checkpoint_layout.h"

namespace apogee {

// What is known to be on the device, by physical offset: where recovery may start. Ours alone,
// beside RocketMQ's checkpoint, which knows times only.
struct RecoveryPoint {
  uint64_t sequence = 0;  // of two, the higher one counts
  // A record ends here, or the segment of the last one. Every record below is durable in the log
  // and in its queue.
  PhysicalOffset offset;
  // The last record below `offset`, -1 when there is none, and its checksum: the log is still the
  // one this was written for.
  PhysicalOffset last_record{-1};
  uint32_t last_checksum = 0;
  // The index has every record below. -1: there was no index.
  PhysicalOffset index_offset{-1};
  // Records in [from, to) have their checksums on the device, unless a full disk kept them away.
  PhysicalOffset checksums_from;
  PhysicalOffset checksums_to;
  // At least so many entries were in all queues together, and the newest index file reached so far.
  int64_t queue_entries = 0;
  int64_t index_end_offset = 0;
  // What the checkpoint file says since then. Other times there mean that another program ran.
  CheckpointTimes times;

  friend bool operator==(const RecoveryPoint&, const RecoveryPoint&) = default;
};

// The file "recovery-point": two slots, written in turn, each in a page of its own. A slot,
// big-endian: magic 8 | sequence 8 | offset 8 | last record 8 | its checksum 4 | unused 4 | index 8
// | checksums from 8, to 8 | queue entries 8 | index end 8 | times 24 | CRC-32C of all that 4.
inline constexpr uint32_t kRecoveryPointBytes = 108;
inline constexpr uint32_t kRecoveryPointSlotBytes = 4096;
inline constexpr uint32_t kRecoveryPointSlots = 2;
inline constexpr uint32_t kRecoveryPointFileBytes = kRecoveryPointSlotBytes * kRecoveryPointSlots;

// Writes exactly kRecoveryPointBytes.
void EncodeRecoveryPoint(const RecoveryPoint& point, uint8_t* into);
// False for what was never written, is torn, or is of another version.
bool DecodeRecoveryPoint(std::span<const uint8_t, kRecoveryPointBytes> from, RecoveryPoint* point);

}  // namespace apogee
