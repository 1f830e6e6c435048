#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/status.h"
#include "io/store_io.h"
#include "store/retention_options.h"

namespace apogee {

// What retention keeps from one opening to the next, in ROOT/retention.txt, a file of ours that
// Java does not look at: lines "verified MS", "topic NAME TIME_MS BYTES", and last "crc32 HEX" of
// the bytes before; "doubted 1" when the wall clock was not believed.
struct RetentionState {
  int64_t verified_ms = 0;  // see VerifiedClock
  bool doubted = false;     // the wall clock was not believed then
  std::map<std::string, TopicRetention> topics;
};

// Topics that may have a retention of their own.
inline constexpr size_t kMaxRetainedTopics = 10000;

// Absent: `state` stays as it is. A damaged file counts as absent, which only keeps more; `note`
// then says so.
Status LoadRetention(StoreIo& io, const std::string& root, RetentionState* state,
                     std::string* note);
// Replaces the file as a whole, durably.
Status SaveRetention(StoreIo& io, const std::string& root, const RetentionState& state);

}  // namespace apogee
