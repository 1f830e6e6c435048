#include "base/background_thread.h"

#include <sched.h>

namespace apogee {

void EnterBackground() {
#if defined(SCHED_BATCH)
  const sched_param parameters{};
  // 0: the calling thread alone.
  [[maybe_unused]] const int refused = ::sched_setscheduler(0, SCHED_BATCH, &parameters);
#endif
}

}  // namespace apogee
