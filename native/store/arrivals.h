#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "queue/consume_queue.h"

namespace apogee {

// Who waits for new entries in a queue. A watch fires once.
//
// Thread: any. A watch set before or while entries are published is never missed: both sides look
// after the other has spoken, under one lock.
class Arrivals {
 public:
  // `max`: of the queue, read after this call's lock is taken, 0 without queue. True when the watch
  // fired at once.
  template <typename ReadMax>
  bool Watch(QueueId id, QueueOffset beyond, ReadMax max) {
    const std::lock_guard lock(mutex_);
    if (max() > beyond) {
      fired_.push_back(id);
      return true;
    }
    const auto [watch, added] = watches_.try_emplace(Key(id), Entry{id, beyond});
    if (!added && beyond < watch->second.beyond) watch->second.beyond = beyond;
    return false;
  }

  // Dispatch thread, after the queues' new entries are published. True when a watch fired.
  bool Published(std::span<ConsumeQueue* const> queues);

  // Moves fired watches out, oldest first, at most as many as both spans hold.
  size_t Take(std::span<int32_t> topics, std::span<int32_t> queue_ids);

 private:
  struct Entry {
    QueueId id;
    QueueOffset beyond;
  };
  static uint64_t Key(QueueId id) {
    return static_cast<uint64_t>(static_cast<uint32_t>(id.topic.value)) << 32 |
           static_cast<uint32_t>(id.queue_id);
  }

  std::mutex mutex_;  // guards both
  std::unordered_map<uint64_t, Entry> watches_;
  std::vector<QueueId> fired_;
};

}  // namespace apogee
