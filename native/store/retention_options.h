#pragma once

#include <cstdint>
#include <string>

#include "base/offsets.h"
#include "base/status.h"

namespace apogee {

// When log segments go, and when appends are refused for want of space. Defaults are Java's.
struct RetentionOptions {
  int64_t reserved_ms = int64_t{72} * 3600 * 1000;  // fileReservedTime: older segments may go
  uint32_t delete_hours = 1u << 4;  // deleteWhen: bit h says that segments go during local hour h
  // Use of the fuller of the two file systems (log, root) in percent. Above clean_percent old
  // segments go at any hour; above forced_percent whatever their age (when clean_forcibly); above
  // refuse_percent appends are refused. 100: never.
  double clean_percent = 75;
  double forced_percent = 85;
  double refuse_percent = 90;
  uint64_t min_free_bytes = 0;  // appends are refused with less; 0: no such limit
  bool clean_forcibly = true;
  int64_t clean_interval_ms = 10000;             // between two rounds
  int64_t space_interval_ms = 1000;              // between two looks at the file systems
  int64_t delete_segment_interval_ms = 100;      // between two deleted segments
  int64_t delete_queue_files_interval_ms = 100;  // between queues of which files were deleted
  int64_t destroy_pinned_after_ms = 120000;  // a segment held by a reader for so long goes anyway
};

// How long the messages of one topic can be consumed, when that is shorter than what the log keeps.
// 0: no limit.
struct TopicRetention {
  int64_t time_ms = 0;
  int64_t bytes = 0;  // of the topic's records in all its queues
  bool limited() const { return time_ms > 0 || bytes > 0; }
};

// Something to be done on the "clean" thread, apart from its rounds.
struct RetentionRequest {
  enum class Kind : uint8_t {
    kDeleteExpired,   // every segment over its time, whatever the hour; at most 200
    kTruncateBefore,  // every whole segment below `offset`
    kAcceptClock,     // the operator says that the wall clock is right
    kSetTopic,        // `topic` is kept as `topic_retention` says, from now on
    kRemoveTopic,     // the removal of `topic` that MessageStore::RemoveTopic has begun
  };
  Kind kind = Kind::kDeleteExpired;
  PhysicalOffset offset;
  std::string topic;
  TopicRetention topic_retention;
};

struct RetentionResult {
  uint64_t ticket = 0;
  Status status;
  int64_t deleted_segments = 0;
};

struct RetentionStats {
  int64_t deleted_segments = 0;  // since the store was opened
  int64_t deleted_bytes = 0;
  int64_t last_delete_ms = 0;   // wall clock; 0: none yet
  double log_used_ratio = -1;   // of the log's file system, 0 to 1; -1: it could not be asked
  double root_used_ratio = -1;  // of the root's
  uint64_t free_bytes = 0;      // the smaller of the two
  std::string refusal;          // why appends are refused, empty while they are not
  int64_t verified_ms = 0;      // the time that ages are taken against
  int64_t clock_ahead_ms = 0;   // by how much the wall clock is not believed
  std::string clock_doubt;      // a sentence about it, empty while the clock is believed
  std::string problem;          // what last kept a round from its work, empty when nothing did
};

}  // namespace apogee
