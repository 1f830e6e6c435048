#pragma once

#include <atomic>
#include <mutex>

#include "base/status.h"

namespace apogee {

// The first failure that made the store read-only, kept until the store is opened again. Thread:
// any.
class FirstFailure {
 public:
  bool failed() const { return failed_.load(std::memory_order_acquire); }

  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

  // True when this was the first.
  bool Set(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (status.ok() || !status_.ok()) return false;
    status_ = status;
    failed_.store(true, std::memory_order_release);
    return true;
  }

 private:
  mutable std::mutex mutex_;  // guards status_
  Status status_;
  std::atomic<bool> failed_{false};
};

}  // namespace apogee
