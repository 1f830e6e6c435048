#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/consume_queue_table.h"
#include "store/read_path.h"
#include "store/retention_options.h"

namespace apogee {

// Moves the first offset of queues on whose topics are kept for a shorter time, or with fewer
// bytes, than the log. Consumers no longer find what lies before; its bytes go with the log's
// segment.
//
// Thread: one at a time.
class TopicTrimmer {
 public:
  // The largest size of one topic's walk, in entries; the next round goes on.
  static constexpr int64_t kEntriesPerRound = 1'000'000;

  TopicTrimmer(const CommitLog& log, const TopicTable& topics, ConsumeQueueTable& queues)
      : topics_(topics), queues_(queues), reads_(log, queues) {}

  // `now_ms`: the time that ages are taken against.
  Status Trim(const std::map<std::string, TopicRetention>& retentions, int64_t now_ms);

 private:
  // Bytes of the records of a queue's entries [from, to).
  struct Counted {
    int64_t from = 0;
    int64_t to = 0;
    int64_t bytes = 0;
  };
  using Queues = std::vector<ConsumeQueue*>;
  Status TrimByTime(ConsumeQueue& queue, int64_t oldest_ms) const;
  Status TrimByBytes(const Queues& queues, int64_t limit_bytes);
  bool Count(const ConsumeQueue& queue, int64_t* budget, Counted* counted) const;

  const TopicTable& topics_;
  ConsumeQueueTable& queues_;
  const ReadPath reads_;
  std::unordered_map<const ConsumeQueue*, Counted> counted_;
};

}  // namespace apogee
