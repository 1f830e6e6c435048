#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/message_store.h"

namespace apogee::test {

// A message that was appended, as the log must have it.
struct LedgerEntry {
  std::string topic;
  int32_t queue_id = 0;
  int64_t queue_offset = 0;
  int64_t physical_offset = 0;
  std::string key;
  std::vector<uint8_t> record;
  int64_t end() const { return physical_offset + static_cast<int64_t>(record.size()); }
};

// What was appended to a store, in the log's order, and how much of it was said to be durable.
class Ledger {
 public:
  void Add(const AppendRequest& request, const AppendResult& result, std::string_view topic,
           std::string_view key, const HostAddress& store_host);
  // Everything below was acknowledged as flushed.
  void Acknowledge(int64_t flushed_end) { acknowledged_ = flushed_end; }
  int64_t acknowledged() const { return acknowledged_; }
  // What a log that ends there still has; all of it counts as acknowledged.
  Ledger Until(int64_t log_end) const;
  size_t size() const { return entries_.size(); }

  // Holds a store that has just been opened against the ledger. One sentence for each thing that a
  // power loss must not do:
  //   - an acknowledged record is gone, or one in front of the log's end (a hole);
  //   - a record reads otherwise than it was appended, or a pull serves what was not appended;
  //   - the offsets of a queue are not dense, or lead to other messages;
  //   - a key does not find its message.
  std::vector<std::string> FaultsOf(MessageStore& store) const;

 private:
  using QueueKey = std::pair<std::string, int32_t>;
  void CheckLog(const MessageStore& store, std::vector<std::string>* faults) const;
  void CheckQueues(MessageStore& store, std::vector<std::string>* faults) const;
  void CheckKeys(const MessageStore& store, std::vector<std::string>* faults) const;

  std::vector<LedgerEntry> entries_;
  int64_t acknowledged_ = 0;
};

}  // namespace apogee::test
