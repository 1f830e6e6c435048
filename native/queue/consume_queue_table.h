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
// Thread: Load on the opening thread, which it helps with some more; FindOrCreate on the dispatch
// thread; Detach and what removes while nothing is appended to the topic's queues; the rest on any.
// A queue lives as long as the table: one that was removed is not found, and used again when it
// comes back.
class ConsumeQueueTable {
 public:
  // At most `mapped_files` files are mapped while nobody holds more.
  ConsumeQueueTable(StoreIo& io, std::string directory, uint32_t file_bytes, TopicTable& topics,
                    size_t mapped_files = QueueMappings::kDefaultCap,
                    ExtensionPlace extension = {});

  // What Load found besides the queues.
  struct LoadReport {
    std::vector<std::string> ignored;  // one sentence for each name that is no topic or no queue id
    std::vector<ConsumeQueue*> damaged;  // lost entries: see ConsumeQueue::Load
  };
  // `before_loss` is called at most once.
  Status Load(LoadReport* report, const ConsumeQueue::BeforeLoss& before_loss = {});

  ConsumeQueue* Find(QueueId id) const;  // null when there is none or it was removed
  // kInvalidArgument for an unknown handle or a negative queue id. Creates no file.
  Status FindOrCreate(QueueId id, ConsumeQueue** queue);
  std::vector<ConsumeQueue*> All() const;

  // Removes the queues of the topic with files and directories, durably. Readers keep what they
  // hold; who holds a queue finds it empty. What it lost by an error on the way may be removed by
  // another call.
  Status RemoveTopic(TopicHandle topic);
  // The same in steps: the queues, that are not found any more; ConsumeQueue::Remove for each;
  // the topic's directory, unless something that is no queue stands in it.
  std::vector<ConsumeQueue*> Detach(TopicHandle topic);
  Status RemoveDirectory(TopicHandle topic);

  // The same for one queue; the topic's directory stays.
  Status Remove(QueueId id);

  // Makes durable every queue that has at least `least_bytes` which may not be. Clean ones are not
  // looked at. One caller at a time.
  Status Flush(int64_t least_bytes);

  const QueueMappings& mappings() const { return mappings_; }

 private:
  struct HashId {
    size_t operator()(QueueId id) const {
      return (static_cast<uint64_t>(static_cast<uint32_t>(id.topic.value)) << 32 |
              static_cast<uint32_t>(id.queue_id)) *
                 0x9E3779B97F4A7C15ull >>
             16;
    }
  };
  struct Slot {
    std::unique_ptr<ConsumeQueue> queue;
    bool removed = false;
  };
  struct Found {
    std::string topic;
    std::vector<std::string> queue_names;
    std::vector<std::string> ignored;
  };
  Status RemoveDirectory(const std::string& root, TopicHandle topic);
  Status ListTopics(std::vector<Found>* topics, LoadReport* report) const;
  Status ListQueues(Found* topic) const;

  StoreIo& io_;
  const std::string directory_;
  TopicTable& topics_;
  QueueMappings mappings_;
  DirtyQueues dirty_;
  QueueSurroundings surroundings_;   // changed by Load only
  mutable std::shared_mutex mutex_;  // guards queues_
  std::unordered_map<QueueId, Slot, HashId> queues_;
};

}  // namespace apogee
