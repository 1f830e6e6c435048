#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/store_io.h"
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

// The ranges of the log that ROOT/quarantine.json says are damaged.
class QuarantineList {
 public:
  QuarantineList(StoreIo& io, const std::string& root);
  bool Holds(const LedgerEntry& entry) const;

 private:
  std::vector<std::pair<int64_t, int64_t>> ranges_;  // from, to
};

// What was appended to a store, in the log's order, and how much of it was said to be durable.
class Ledger {
 public:
  void Add(const AppendRequest& request, const AppendResult& result, std::string_view topic,
           std::string_view key, const HostAddress& store_host);
  // Everything below was acknowledged as flushed.
  void Acknowledge(int64_t flushed_end) { acknowledged_ = flushed_end; }
  int64_t acknowledged() const { return acknowledged_; }
  // What a log that ends there still has; all of it counts as acknowledged. What lies in a
  // quarantined range stays known as lost.
  Ledger Kept(int64_t log_end, const QuarantineList& quarantined) const;
  // Messages in front of the log's end that were lost for good.
  size_t lost() const { return lost_.size(); }

  // Holds a store that has just been opened against the ledger. One sentence for each thing that a
  // power loss must not do:
  //   - an acknowledged record is gone, or one in front of the log's end without being listed as
  //     quarantined;
  //   - a record reads otherwise than it was appended, or one that was lost is served;
  //   - pulls through a queue give anything but its messages that are left, each at the offset it
  //     was appended with, or do not get on;
  //   - a queue's offsets end in front of its last message, or behind all it was ever given;
  //   - an offset was given out again though its message is still there;
  //   - a key does not find its message;
  //   - an entry has another tag code than its message, whose key is its tag.
  std::vector<std::string> FaultsOf(MessageStore& store, const QuarantineList& quarantined) const;

 private:
  void CheckLog(const MessageStore& store, const QuarantineList& quarantined,
                std::vector<std::string>* faults) const;
  void CheckQueues(MessageStore& store, const QuarantineList& quarantined,
                   std::vector<std::string>* faults) const;
  void CheckKeys(const MessageStore& store, const QuarantineList& quarantined,
                 std::vector<std::string>* faults) const;
  void CheckTagCodes(const MessageStore& store, TopicHandle topic, int32_t queue_id,
                     const std::vector<const LedgerEntry*>& left,
                     std::vector<std::string>* faults) const;
  void CheckOffsets(std::vector<std::string>* faults) const;

  std::vector<LedgerEntry> entries_;
  std::vector<LedgerEntry> lost_;
  int64_t acknowledged_ = 0;
};

}  // namespace apogee::test
