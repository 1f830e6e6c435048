#pragma once

#include <string>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "format/checkpoint_layout.h"
#include "log/mapped_file_queue.h"
#include "store/log_scan.h"
#include "store/quarantine.h"

namespace apogee {

struct LogEndInput {
  PhysicalOffset from;               // a record's start, or that of a segment
  int64_t store_time_before_ms = 0;  // of the record before, 0 when none is known
  bool clean = true;
  bool check_crc = true;
  // Records behind a hole may have been acknowledged: pages are written in order of their syncs.
  bool promised = false;
  CheckpointTimes checkpoint;
  ProgressReporter* progress = nullptr;
};

struct LogEnd {
  PhysicalOffset at;                  // the log continues here; everything behind is to be cut
  int64_t last_store_time_ms = 0;     // of the last record checked or before, 0 when none is known
  std::vector<DamagedRange> damaged;  // with good records behind
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
// passed over and told: nothing is cut silently, and nothing of it is a reason not to start.
Status FindLogEnd(const MappedFileQueue& segments, const LogEndInput& input, LogEnd* end);

}  // namespace apogee
