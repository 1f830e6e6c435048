#include "store/arrivals.h"

#include <algorithm>

namespace apogee {

bool Arrivals::Published(std::span<ConsumeQueue* const> queues) {
  const std::lock_guard lock(mutex_);
  if (watches_.empty()) return false;
  bool fired = false;
  for (const ConsumeQueue* queue : queues) {
    const auto watch = watches_.find(Key(queue->id()));
    if (watch == watches_.end() || queue->max() <= watch->second.beyond) continue;
    fired_.push_back(queue->id());
    watches_.erase(watch);
    fired = true;
  }
  return fired;
}

size_t Arrivals::Take(std::span<int32_t> topics, std::span<int32_t> queue_ids) {
  const std::lock_guard lock(mutex_);
  const size_t count = std::min({fired_.size(), topics.size(), queue_ids.size()});
  for (size_t i = 0; i < count; ++i) {
    topics[i] = fired_[i].topic.value;
    queue_ids[i] = fired_[i].queue_id;
  }
  fired_.erase(fired_.begin(), fired_.begin() + static_cast<int64_t>(count));
  return count;
}

}  // namespace apogee
