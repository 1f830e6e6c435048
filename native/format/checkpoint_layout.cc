#include "format/checkpoint_layout.h"

#include "base/bytes.h"

namespace apogee {

void EncodeCheckpoint(const CheckpointTimes& times, uint8_t* into) {
  StoreBe64(into, static_cast<uint64_t>(times.physical_ms));
  StoreBe64(into + 8, static_cast<uint64_t>(times.logic_ms));
  StoreBe64(into + 16, static_cast<uint64_t>(times.index_ms));
}

CheckpointTimes DecodeCheckpoint(const uint8_t* from) {
  return {static_cast<int64_t>(LoadBe64(from)), static_cast<int64_t>(LoadBe64(from + 8)),
          static_cast<int64_t>(LoadBe64(from + 16))};
}

}  // namespace apogee
