#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/message_store.h"
#include "store/multi_dispatch.h"
#include "store/removed_topics.h"

namespace apogee {

// Turns append requests into log records: gives out queue offsets and keeps a batch together.
// Appender thread.
class AppendPath {
 public:
  AppendPath(CommitLog& log, TopicTable& topics, const MultiDispatchOptions& multi_dispatch,
             RemovedTopics& removed)
      : log_(log), topics_(topics), multi_dispatch_(multi_dispatch), removed_(removed) {}

  // The next message of the queue gets `next`. Before the first append.
  void SetNext(QueueId id, QueueOffset next) { Next(id) = next.value; }
  // The queues of the topic begin at 0 again. A message appended while its removal is only begun
  // waits until that is durable: otherwise a crash would leave it where the queue has another.
  void Forget(TopicHandle topic);

  // See MessageStore::Append. Returns whether anything was appended.
  bool Append(std::span<const AppendRequest> requests, std::span<AppendResult> results);

 private:
  bool AppendGroup(std::span<const AppendRequest> requests, std::span<AppendResult> results);
  StatusCode NameLmqPlaces(const AppendRequest& request, MessageFields* fields);
  StatusCode AwaitRemoval(std::string_view topic);
  StatusCode MakeFields(const AppendRequest& request, MessageFields* fields);
  void TakeBack(size_t count);
  int64_t& Next(QueueId id);
  void Count(int64_t& next);
  std::string_view TopicName(TopicHandle topic);

  CommitLog& log_;
  TopicTable& topics_;
  const MultiDispatchOptions& multi_dispatch_;
  RemovedTopics& removed_;
  std::unordered_map<uint64_t, int64_t> next_;  // by queue
  std::vector<std::string_view> topic_names_;   // by handle, as far as seen
  std::vector<MessageFields> fields_;           // of the group being appended
  std::deque<std::string> texts_;               // property texts of the group that were changed
  std::vector<int64_t*> lmq_counters_;          // of the message being looked at
  std::vector<int64_t> lmq_offsets_;
  int32_t lmq_queues_ = 0;
  std::vector<int64_t*> counted_;  // what the group has advanced, null: nothing
};

}  // namespace apogee
