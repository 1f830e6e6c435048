#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace apogee {

class ConsumeQueue;

// Queues with entries that may not be on the device, so that a flush need not look at the others.
// A queue says once that it is one, until it is taken. Thread: any.
class DirtyQueues {
 public:
  void Add(ConsumeQueue* queue) {
    const std::lock_guard lock(mutex_);
    queues_.push_back(queue);
  }
  std::vector<ConsumeQueue*> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(queues_, {});
  }

 private:
  std::mutex mutex_;  // guards queues_
  std::vector<ConsumeQueue*> queues_;
};

}  // namespace apogee
