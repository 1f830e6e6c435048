#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/consume_queue.h"
#include "queue/topic_table.h"

namespace apogee {

// All consume queues of a store: DIRECTORY/TOPIC/QUEUE_ID/.
//
// Thread: Load on the opening thread; FindOrCreate on the dispatch thread; Find and All on any. A
// queue lives as long as the table.
class ConsumeQueueTable {
 public:
  ConsumeQueueTable(StoreIo& io, std::string directory, uint32_t file_bytes, TopicTable& topics);

  // What Load found besides the queues.
  struct LoadReport {
    std::vector<std::string> ignored;  // one sentence for each name that is no topic or no queue id
    std::vector<ConsumeQueue*> damaged;  // lost entries: see ConsumeQueue::Load
  };
  Status Load(LoadReport* report, const ConsumeQueue::BeforeLoss& before_loss = {});

  ConsumeQueue* Find(QueueId id) const;  // null when there is none
  // kInvalidArgument for an unknown handle or a negative queue id. Creates no file.
  Status FindOrCreate(QueueId id, ConsumeQueue** queue);
  std::vector<ConsumeQueue*> All() const;

 private:
  struct HashId {
    size_t operator()(QueueId id) const {
      return (static_cast<uint64_t>(static_cast<uint32_t>(id.topic.value)) << 32 |
              static_cast<uint32_t>(id.queue_id)) *
                 0x9E3779B97F4A7C15ull >>
             16;
    }
  };
  Status LoadTopic(const std::string& topic, const ConsumeQueue::BeforeLoss& before_loss,
                   LoadReport* report);

  StoreIo& io_;
  const std::string directory_;
  const uint32_t file_bytes_;
  TopicTable& topics_;
  mutable std::shared_mutex mutex_;  // guards queues_
  std::unordered_map<QueueId, std::unique_ptr<ConsumeQueue>, HashId> queues_;
};

}  // namespace apogee
