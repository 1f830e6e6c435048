#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/offsets.h"
#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// Topics whose queues were removed, and up to where the log still has their old messages: records
// below that have no queue any more, also when recovery reads them again after the topic came back
// and counts from 0. Kept in ROOT/removed-topics, which Java does not know:
//
//   CRC-32 of the rest, 8 hexadecimal digits, newline; then for each topic: offset, space, name,
//   newline
//
// Thread: Covers from any; the rest on one at a time.
class RemovedTopics {
 public:
  // Absent or damaged: no topic was removed.
  Status Load(StoreIo& io, const std::string& root);

  // Messages of the topic below `end` are gone. Durable when it returns ok. Forgets topics of which
  // the log, that begins at `log_min`, has nothing any more.
  Status Add(std::string_view topic, PhysicalOffset end, PhysicalOffset log_min);

  bool Covers(std::string_view topic, PhysicalOffset offset) const;
  // A copy: old messages of the topic end there.
  std::map<std::string, PhysicalOffset, std::less<>> topics() const;

 private:
  Status Write(const std::map<std::string, PhysicalOffset, std::less<>>& topics);

  StoreIo* io_ = nullptr;
  std::string root_;
  std::atomic<int64_t> highest_{0};  // no topic is covered from here on
  mutable std::mutex mutex_;         // guards topics_
  std::map<std::string, PhysicalOffset, std::less<>> topics_;
};

}  // namespace apogee
