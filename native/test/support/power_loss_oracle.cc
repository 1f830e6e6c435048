#include "test/support/power_loss_oracle.h"

#include <algorithm>
#include <set>

namespace apogee::test {
namespace {

constexpr size_t kPullBytes = 1 << 16;

std::string NameOf(const LedgerEntry& entry) {
  return "the record at " + std::to_string(entry.physical_offset) + " (" + entry.topic + ' ' +
         std::to_string(entry.queue_id) + ' ' + std::to_string(entry.queue_offset) + ')';
}

// Reads the queue from its min on and compares message by message.
void CheckQueue(const MessageStore& store, TopicHandle topic, int32_t queue_id,
                const std::vector<const LedgerEntry*>& expected, const std::string& name,
                std::vector<std::string>* faults) {
  QueueBounds bounds;
  if (!store.Bounds(topic, queue_id, &bounds)) {
    if (!expected.empty()) faults->push_back("queue " + name + " is gone");
    return;
  }
  if (bounds.min.value != 0 || bounds.max.value != std::ssize(expected)) {
    faults->push_back("queue " + name + " has offsets " + std::to_string(bounds.min.value) +
                      " to " + std::to_string(bounds.max.value) + ", the log has " +
                      std::to_string(expected.size()) + " messages of it");
    return;
  }
  std::vector<uint8_t> into(kPullBytes);
  PullRequest request;
  request.topic = topic;
  request.queue_id = queue_id;
  for (size_t at = 0; at < expected.size();) {
    request.from = {static_cast<int64_t>(at)};
    const PullResult pulled = store.Pull(request, into);
    if (pulled.status != PullStatus::kFound || pulled.count <= 0 ||
        static_cast<size_t>(pulled.count) > expected.size() - at) {
      faults->push_back("queue " + name + " gives nothing right at " + std::to_string(at));
      return;
    }
    auto left = std::span<const uint8_t>(into).first(pulled.size_bytes);
    for (int32_t i = 0; i < pulled.count; ++i, ++at) {
      const auto& record = expected[at]->record;
      if (left.size() < record.size() || !std::equal(record.begin(), record.end(), left.begin())) {
        faults->push_back("a pull gives something else than " + NameOf(*expected[at]));
        return;
      }
      left = left.subspan(record.size());
    }
  }
}

}  // namespace

void Ledger::Add(const AppendRequest& request, const AppendResult& result, std::string_view topic,
                 std::string_view key, const HostAddress& store_host) {
  MessageFields fields;
  fields.topic = topic;
  fields.queue_id = request.queue_id;
  fields.queue_offset = result.queue_offset;
  fields.physical_offset = result.physical_offset;
  fields.born_time_ms = request.born_time_ms;
  fields.store_time_ms = result.store_time_ms;
  fields.store_host = store_host;
  fields.body = request.body;
  fields.properties = request.properties;
  LedgerEntry& entry = entries_.emplace_back();
  entry.topic = topic;
  entry.queue_id = request.queue_id;
  entry.queue_offset = result.queue_offset.value;
  entry.physical_offset = result.physical_offset.value;
  entry.key = key;
  entry.record.resize(RecordSize(fields));
  EncodeRecord(fields, entry.record.data());
}

Ledger Ledger::Until(int64_t log_end) const {
  Ledger kept;
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() <= log_end) kept.entries_.push_back(entry);
  }
  kept.acknowledged_ = kept.entries_.empty() ? 0 : kept.entries_.back().end();
  return kept;
}

std::vector<std::string> Ledger::FaultsOf(MessageStore& store) const {
  std::vector<std::string> faults;
  CheckLog(store, &faults);
  CheckQueues(store, &faults);
  CheckKeys(store, &faults);
  return faults;
}

void Ledger::CheckLog(const MessageStore& store, std::vector<std::string>* faults) const {
  const int64_t log_end = store.recovery().end.value;
  for (const LedgerEntry& entry : entries_) {
    std::vector<uint8_t> record;
    const Status status = store.ReadRecord({entry.physical_offset}, &record);
    const bool same = status.ok() && record == entry.record;
    if (entry.end() <= acknowledged_ && !same) {
      faults->push_back(NameOf(entry) + " was acknowledged and is " +
                        (status.ok() ? "another" : "gone") + "; the log ends at " +
                        std::to_string(log_end));
    } else if (entry.end() <= log_end && !same) {
      faults->push_back(NameOf(entry) + " is a hole; the log ends at " + std::to_string(log_end));
    } else if (entry.end() > log_end && status.ok()) {
      faults->push_back(NameOf(entry) + " is served behind the log's end " +
                        std::to_string(log_end));
    }
  }
}

void Ledger::CheckQueues(MessageStore& store, std::vector<std::string>* faults) const {
  const int64_t log_end = store.recovery().end.value;
  std::map<QueueKey, std::vector<const LedgerEntry*>> expected;
  for (const QueueName& queue : store.Queues()) expected[{queue.topic, queue.queue_id}];
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() <= log_end) expected[{entry.topic, entry.queue_id}].push_back(&entry);
  }
  for (const auto& [queue, entries] : expected) {
    const std::string name = queue.first + ' ' + std::to_string(queue.second);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i]->queue_offset != static_cast<int64_t>(i)) {
        faults->push_back("queue " + name + " was given offsets that are not dense");
        break;
      }
    }
    TopicHandle topic;
    if (!store.Intern(queue.first, &topic).ok()) {
      faults->push_back("queue " + name + " has no possible name");
      continue;
    }
    CheckQueue(store, topic, queue.second, entries, name, faults);
  }
}

void Ledger::CheckKeys(const MessageStore& store, std::vector<std::string>* faults) const {
  const int64_t log_end = store.recovery().end.value;
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() > log_end || entry.key.empty()) continue;
    const QueryResult found = store.QueryByKey(entry.topic, entry.key, 64, 0, INT64_MAX);
    if (std::ranges::count(found.offsets, PhysicalOffset{entry.physical_offset}) != 1) {
      faults->push_back("key " + entry.key + " does not find " + NameOf(entry));
    }
  }
}

}  // namespace apogee::test
