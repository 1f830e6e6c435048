#pragma once

namespace apogee {

// Says of the calling thread that nobody waits for its single steps. When it wakes up it then never
// takes the processor from a thread that appends or answers, but keeps its share of the time: on a
// busy machine it gets as much done, only later (Linux: SCHED_BATCH, nice stays 0). A lower share
// would be wrong: who appends waits in the end for memory, room and space that these threads make.
// Elsewhere, and where the system refuses it, nothing changes.
void EnterBackground();

}  // namespace apogee
