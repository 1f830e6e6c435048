#include "base/background_thread.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <thread>

namespace apogee {
namespace {

#if defined(SCHED_BATCH)
TEST(BackgroundThreadTest, IsTheCallingThreadAloneAndKeepsItsShare) {
  const int policy_before = sched_getscheduler(0);
  const int nice_before = getpriority(PRIO_PROCESS, 0);
  int policy = -1;
  int nice = 100;
  std::thread([&] {
    EnterBackground();
    policy = sched_getscheduler(0);
    nice = getpriority(PRIO_PROCESS, 0);
  }).join();
  EXPECT_EQ(policy, SCHED_BATCH);
  EXPECT_EQ(nice, nice_before);
  EXPECT_EQ(sched_getscheduler(0), policy_before);
}
#endif

}  // namespace
}  // namespace apogee
