#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
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
// A removal goes through three states. Begun: nothing is known of it but here, and a crash undoes
// it. Durable, by Save: old messages are covered, and a new one may count from 0, while the queues
// still stand there. Over: the queues are gone. Who needs the next state before the thread that
// works on it brings it about himself: the appender calls Save, the dispatcher removes the queues.
//
// Thread: Load, CutAt on the opening thread, Begin on the appender thread, the rest on any.
class RemovedTopics {
 public:
  using Ends = std::map<std::string, PhysicalOffset, std::less<>>;

  // Absent or damaged: no topic was removed.
  Status Load(StoreIo& io, const std::string& root);
  // The log ends at `log_end`, perhaps before what was removed: what comes there now is new.
  Status CutAt(PhysicalOffset log_end);

  // Messages of the topic below `end`, the log's end, are to be gone.
  void Begin(std::string_view topic, PhysicalOffset end);
  bool IsBegun(std::string_view topic) const;
  // Makes durable what was begun. Forgets topics of which the log, that begins at `log_min`, has
  // nothing any more.
  Status Save(PhysicalOffset log_min);

  bool Covers(std::string_view topic, PhysicalOffset offset) const;

  // The end of a durable removal of which queues still stand, if there is one.
  std::optional<PhysicalOffset> Standing(std::string_view topic) const;
  // Whether queues must go before a message at `offset` gets its entry. Cheap while none stand.
  bool StandBefore(std::string_view topic, PhysicalOffset offset) const {
    if (standing_count_.load(std::memory_order_acquire) == 0) return false;
    const std::optional<PhysicalOffset> end = Standing(topic);
    return end && *end <= offset;
  }
  // The queues of the removal up to `end` are gone.
  void QueuesGone(std::string_view topic, PhysicalOffset end);
  // Of all durable removals of which queues still stand.
  Ends standing() const;

  // A copy: old messages of the topic end there.
  Ends topics() const;

 private:
  Status Write(const Ends& topics);
  void Replace(Ends topics);  // mutex_ held

  StoreIo* io_ = nullptr;
  std::string root_;
  std::mutex save_mutex_;            // one Save at a time; held before mutex_
  std::atomic<int64_t> highest_{0};  // no topic is covered from here on
  std::atomic<size_t> begun_count_{0};
  std::atomic<size_t> standing_count_{0};
  mutable std::mutex mutex_;  // guards what follows
  Ends topics_;
  Ends begun_;
  Ends standing_;
};

}  // namespace apogee
