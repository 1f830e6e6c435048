#pragma once

#include <cstdint>

#include "base/status.h"
#include "format/consume_queue_entry.h"
#include "queue/queue_files.h"

namespace apogee {

// Where the entries of a loaded queue end, and what stands at both ends.
struct QueueEnd {
  int64_t end_bytes = 0;
  bool damaged = false;     // entries stand behind the end, or some are missing in front of it
  bool trailing = false;    // something stands behind the end that is to be cut
  ConsumeQueueEntry first;  // meaningful when there are entries
  ConsumeQueueEntry last;
};

// Finds it with positioned reads: a binary search in the last file that has entries, a look at the
// ends of the two files before it, and whatever was written behind the end. `files` is not empty.
Status FindQueueEnd(const QueueFiles& files, QueueEnd* end);

}  // namespace apogee
