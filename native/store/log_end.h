#pragma once

#include <string>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "format/checkpoint_layout.h"
#include "log/mapped_file_queue.h"

namespace apogee {

struct LogEndInput {
  PhysicalOffset from;  // start of the segment to check from
  bool clean = true;
  bool check_crc = true;
  CheckpointTimes checkpoint;
};

struct LogEnd {
  PhysicalOffset at;               // the log continues here; everything behind is to be cut
  int64_t last_store_time_ms = 0;  // of the last record checked, 0 when none
  CutTail tail = CutTail::kWipe;
  std::string note;  // one sentence when something else than blank space is cut
};

// Start of the segment from which an unclean log must be checked and dispatched again: the newest
// whose first record was stored at or before `durable_ms` minus the checkpoint's margin, else the
// first.
PhysicalOffset SegmentByTime(const MappedFileQueue& segments, int64_t durable_ms);
// Start of the segment from which a clean log is checked: the last three.
PhysicalOffset LastSegments(const MappedFileQueue& segments);

// Finds where the log ends. Reads only. A torn tail, behind which there is no record, is cut. Cut
// as well are records older than the last good one (left over from a tail that Java once cut, which
// it never wipes), and after an unclean stop records behind a page that never reached the device,
// as long as nobody was told that they are durable. Any other damage in front of a good record is
// kCorruption, with file and position: nothing is cut silently.
Status FindLogEnd(const MappedFileQueue& segments, const LogEndInput& input, LogEnd* end);

}  // namespace apogee
