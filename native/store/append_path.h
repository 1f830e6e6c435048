#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/message_store.h"

namespace apogee {

// Turns append requests into log records: gives out queue offsets and keeps a batch together.
// Appender thread.
class AppendPath {
 public:
  AppendPath(CommitLog& log, const TopicTable& topics) : log_(log), topics_(topics) {}

  // The next message of the queue gets `next`. Before the first append.
  void SetNext(QueueId id, QueueOffset next) { Next(id) = next.value; }

  // See MessageStore::Append. Returns whether anything was appended.
  bool Append(std::span<const AppendRequest> requests, std::span<AppendResult> results);

 private:
  bool AppendGroup(std::span<const AppendRequest> requests, std::span<AppendResult> results);
  StatusCode MakeFields(const AppendRequest& request, MessageFields* fields);
  void TakeBack(size_t count);
  int64_t& Next(QueueId id);
  std::string_view TopicName(TopicHandle topic);

  CommitLog& log_;
  const TopicTable& topics_;
  std::unordered_map<uint64_t, int64_t> next_;  // by queue
  std::vector<std::string_view> topic_names_;   // by handle, as far as seen
  std::vector<MessageFields> fields_;           // of the group being appended
  std::vector<int64_t*> counted_;               // what the group has advanced, null: nothing
};

}  // namespace apogee
