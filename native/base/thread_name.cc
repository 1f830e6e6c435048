#include "base/thread_name.h"

#include <pthread.h>

namespace apogee {

void SetThreadName(const char* name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

}  // namespace apogee
