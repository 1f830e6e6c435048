#include "store/raw_log.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace apogee {
namespace {

constexpr size_t kAheadStepBytes = 256 << 10;

}  // namespace

Status RawLog::Read(PhysicalOffset from, std::span<uint8_t> into, size_t* count) const {
  *count = 0;
  const PhysicalOffset end = this->end();
  if (from > end) {
    return Status::Error(StatusCode::kInvalidArgument,
                         "physical offset " + std::to_string(from.value) +
                             " is beyond the log that can be copied, which ends at " +
                             std::to_string(end.value));
  }
  const auto gone = [&] {
    return Status::Error(StatusCode::kNotFound, "nothing at physical offset " +
                                                    std::to_string(from.value) +
                                                    " any more: the log begins at " +
                                                    std::to_string(log_.min_offset().value));
  };
  if (from < log_.min_offset()) return gone();
  if (from == end || into.empty()) return Status::Ok();
  RecordRef found;
  StagingRing::Pin pin;
  // Below the end and not there: its segment was removed meanwhile.
  if (!log_.ReadNewestTo(end, from, &found, &pin).ok()) return gone();
  *count = std::min(found.bytes.size(), into.size());
  std::memcpy(into.data(), found.bytes.data(), *count);
  return Status::Ok();
}

void RawLog::ReadAhead(PhysicalOffset from, size_t bytes) const {
  size_t left = std::min(bytes, kMostAheadBytes);
  // The reader wants the pages, not the copy.
  std::vector<uint8_t> copy(std::min(left, kAheadStepBytes));
  size_t count = 0;
  while (left > 0) {
    // Whether they can be had is found out by who reads them next.
    const Status read = Read(from, std::span(copy).first(std::min(left, copy.size())), &count);
    if (!read.ok() || count == 0) return;
    from = from + static_cast<int64_t>(count);
    left -= count;
  }
}

}  // namespace apogee
