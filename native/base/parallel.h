#pragma once

#include <cstddef>
#include <functional>

#include "base/status.h"

namespace apogee {

// Threads worth using for work that waits for a disk now and then: one for each core, 2 to 16.
size_t LoadingThreads();

// Calls `work` with every index below `count`, on up to `threads` threads, this one among them.
// After the first failure no further index is begun; that failure is the answer.
Status ParallelFor(size_t count, size_t threads, const std::function<Status(size_t)>& work);

}  // namespace apogee
