#include "flush/segment_preparer.h"

#include "base/background_thread.h"
#include "base/thread_name.h"

namespace apogee {

void SegmentPreparer::Start() {
  thread_ = std::thread([this] { Run(); });
}

void SegmentPreparer::Poke() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
  }
  wake_.notify_one();
}

void SegmentPreparer::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SegmentPreparer::Run() {
  SetThreadName("preallocate");
  EnterBackground();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait(lock, [this] { return poked_ || stop_; });
    if (stop_) return;
    poked_ = false;
    lock.unlock();
    const bool more = log_.PrepareAhead();
    lock.lock();
    poked_ = poked_ || more;
  }
}

}  // namespace apogee
