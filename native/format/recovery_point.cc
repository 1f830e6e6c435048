#include "format/recovery_point.h"

#include "base/bytes.h"
#include "base/crc32c.h"

namespace apogee {
namespace {

constexpr uint64_t kMagic = 0x41504F4745453031;  // "APOGEE01"
constexpr size_t kCrcAt = kRecoveryPointBytes - 4;
constexpr size_t kTimesAt = 80;

int64_t LoadOffset(const uint8_t* from) { return static_cast<int64_t>(LoadBe64(from)); }

void StoreOffset(uint8_t* into, int64_t value) { StoreBe64(into, static_cast<uint64_t>(value)); }

}  // namespace

void EncodeRecoveryPoint(const RecoveryPoint& point, uint8_t* into) {
  StoreBe64(into, kMagic);
  StoreBe64(into + 8, point.sequence);
  StoreOffset(into + 16, point.offset.value);
  StoreOffset(into + 24, point.last_record.value);
  StoreBe32(into + 32, point.last_checksum);
  StoreBe32(into + 36, 0);
  StoreOffset(into + 40, point.index_offset.value);
  StoreOffset(into + 48, point.checksums_from.value);
  StoreOffset(into + 56, point.checksums_to.value);
  StoreOffset(into + 64, point.queue_entries);
  StoreOffset(into + 72, point.index_end_offset);
  EncodeCheckpoint(point.times, into + kTimesAt);
  StoreBe32(into + kCrcAt, Crc32c({into, kCrcAt}));
}

bool DecodeRecoveryPoint(std::span<const uint8_t, kRecoveryPointBytes> from, RecoveryPoint* point) {
  const uint8_t* const bytes = from.data();
  if (LoadBe64(bytes) != kMagic) return false;
  if (LoadBe32(bytes + kCrcAt) != Crc32c(from.first(kCrcAt))) return false;
  point->sequence = LoadBe64(bytes + 8);
  point->offset = {LoadOffset(bytes + 16)};
  point->last_record = {LoadOffset(bytes + 24)};
  point->last_checksum = LoadBe32(bytes + 32);
  point->index_offset = {LoadOffset(bytes + 40)};
  point->checksums_from = {LoadOffset(bytes + 48)};
  point->checksums_to = {LoadOffset(bytes + 56)};
  point->queue_entries = LoadOffset(bytes + 64);
  point->index_end_offset = LoadOffset(bytes + 72);
  point->times = DecodeCheckpoint(bytes + kTimesAt);
  return point->offset.value >= 0;
}

}  // namespace apogee
