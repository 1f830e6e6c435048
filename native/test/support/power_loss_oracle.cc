#include "test/support/power_loss_oracle.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>

#include "base/java_hash.h"

namespace apogee::test {
namespace {

constexpr size_t kPullBytes = 1 << 16;

std::string NameOf(const LedgerEntry& entry) {
  return "the record at " + std::to_string(entry.physical_offset) + " (" + entry.topic + ' ' +
         std::to_string(entry.queue_id) + ' ' + std::to_string(entry.queue_offset) + ')';
}

// Pulls from one queue and compares message by message.
class QueueCheck {
 public:
  QueueCheck(const MessageStore& store, TopicHandle topic, int32_t queue_id, std::string name,
             std::vector<std::string>* faults)
      : store_(store), name_(std::move(name)), faults_(faults) {
    request_.topic = topic;
    request_.queue_id = queue_id;
  }

  // `left`: the messages that are still there, in order. `given`: offsets below were given out.
  void Run(const std::vector<const LedgerEntry*>& left, int64_t given, bool some_lost) {
    QueueBounds bounds;
    if (!store_.Bounds(request_.topic, request_.queue_id, &bounds)) {
      if (!left.empty()) Fault("is gone");
      return;
    }
    const int64_t first = left.empty() ? bounds.min.value : left.front()->queue_offset;
    const int64_t behind_last = left.empty() ? 0 : left.back()->queue_offset + 1;
    if (bounds.min.value > first || bounds.max.value < behind_last || bounds.max.value > given) {
      Fault("has offsets " + std::to_string(bounds.min.value) + " to " +
            std::to_string(bounds.max.value) + ", its messages " + std::to_string(first) + " to " +
            std::to_string(behind_last) + ", given out were " + std::to_string(given));
      return;
    }
    if (Walk(left, bounds.max.value) && some_lost) PullEach(left);
  }

 private:
  void Fault(const std::string& what) { faults_->push_back("queue " + name_ + ' ' + what); }

  // From the start as a consumer does, over what was lost.
  bool Walk(const std::vector<const LedgerEntry*>& left, int64_t max) {
    size_t found = 0;
    request_.max_count = 32;
    for (int64_t from = 0; from < max;) {
      const PullResult pulled = PullFrom(from);
      if (pulled.next_begin.value <= from) {
        Fault("does not get on at " + std::to_string(from));
        return false;
      }
      if (!Compare(left, found, pulled)) return false;
      found += static_cast<size_t>(pulled.count);
      if (found > 0 && left[found - 1]->queue_offset >= pulled.next_begin.value) {
        Fault("goes on in front of " + NameOf(*left[found - 1]));
        return false;
      }
      from = pulled.next_begin.value;
    }
    if (found < left.size()) Fault("gives everything but " + NameOf(*left[found]));
    return found == left.size();
  }

  void PullEach(const std::vector<const LedgerEntry*>& left) {
    request_.max_count = 1;
    for (size_t i = 0; i < left.size(); ++i) {
      const PullResult pulled = PullFrom(left[i]->queue_offset);
      if (pulled.count != 1) {
        Fault("does not give " + NameOf(*left[i]) + " at its offset");
        return;
      }
      if (!Compare(left, i, pulled)) return;
    }
  }

  PullResult PullFrom(int64_t from) {
    request_.from = {from};
    return store_.Pull(request_, into_);
  }

  bool Compare(const std::vector<const LedgerEntry*>& left, size_t from, const PullResult& pulled) {
    if (static_cast<size_t>(pulled.count) > left.size() - from) {
      Fault("gives more than is left of it at " + std::to_string(request_.from.value));
      return false;
    }
    auto bytes = std::span<const uint8_t>(into_).first(pulled.size_bytes);
    for (size_t i = from; i < from + static_cast<size_t>(pulled.count); ++i) {
      const auto& record = left[i]->record;
      if (bytes.size() < record.size() ||
          !std::equal(record.begin(), record.end(), bytes.begin())) {
        Fault("gives something else than " + NameOf(*left[i]));
        return false;
      }
      bytes = bytes.subspan(record.size());
    }
    return true;
  }

  const MessageStore& store_;
  const std::string name_;
  std::vector<std::string>* const faults_;
  PullRequest request_;
  std::vector<uint8_t> into_ = std::vector<uint8_t>(kPullBytes);
};

}  // namespace

QuarantineList::QuarantineList(StoreIo& io, const std::string& root) {
  const std::string path = root + "/quarantine.json";
  if (!io.Exists(path)) return;
  std::unique_ptr<StoreFile> file;
  uint64_t size_bytes = 0;
  size_t read_bytes = 0;
  if (!io.Open(path, StoreIo::OpenMode::kRead, &file).ok() || !file->Size(&size_bytes).ok()) return;
  std::string text(size_bytes, '\0');
  if (!file->Read(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}, &read_bytes).ok())
    return;
  for (size_t at = text.find("{\"from\""); at != std::string::npos;
       at = text.find("{\"from\"", at + 1)) {
    long long from = 0;
    long long to = 0;
    if (std::sscanf(text.c_str() + at, "{\"from\": %lld, \"to\": %lld", &from, &to) == 2)
      ranges_.emplace_back(from, to);
  }
}

bool QuarantineList::Holds(const LedgerEntry& entry) const {
  return std::ranges::any_of(ranges_, [&](const auto& range) {
    return range.first <= entry.physical_offset && entry.end() <= range.second;
  });
}

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

Ledger Ledger::Kept(int64_t log_end, const QuarantineList& quarantined) const {
  Ledger kept;
  kept.lost_ = lost_;
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() > log_end) continue;
    (quarantined.Holds(entry) ? kept.lost_ : kept.entries_).push_back(entry);
  }
  kept.acknowledged_ = kept.entries_.empty() ? 0 : kept.entries_.back().end();
  return kept;
}

std::vector<std::string> Ledger::FaultsOf(MessageStore& store,
                                          const QuarantineList& quarantined) const {
  std::vector<std::string> faults;
  CheckLog(store, quarantined, &faults);
  CheckQueues(store, quarantined, &faults);
  CheckKeys(store, quarantined, &faults);
  CheckOffsets(&faults);
  return faults;
}

void Ledger::CheckLog(const MessageStore& store, const QuarantineList& quarantined,
                      std::vector<std::string>* faults) const {
  const int64_t log_end = store.recovery().end.value;
  const std::string ends = "; the log ends at " + std::to_string(log_end);
  std::vector<uint8_t> record;
  for (const LedgerEntry& entry : entries_) {
    const bool served = store.ReadRecord({entry.physical_offset}, &record).ok();
    const bool same = served && record == entry.record;
    const bool behind_end = entry.end() > log_end;
    const bool listed = quarantined.Holds(entry);
    if (entry.end() <= acknowledged_ && !same) {
      faults->push_back(NameOf(entry) + " was acknowledged and is " +
                        (served ? "another" : "gone") + ends);
    } else if (served && (behind_end || listed)) {
      faults->push_back(NameOf(entry) + " is served " +
                        (behind_end ? "behind the log's end" : "though quarantined") + ends);
    } else if (!behind_end && !listed && !same) {
      faults->push_back(NameOf(entry) + " is a hole that nobody is told of" + ends);
    }
  }
  for (const LedgerEntry& entry : lost_) {
    if (store.ReadRecord({entry.physical_offset}, &record).ok())
      faults->push_back(NameOf(entry) + " was lost and is served" + ends);
    if (!quarantined.Holds(entry))
      faults->push_back(NameOf(entry) + " was lost and is not listed any more" + ends);
  }
}

void Ledger::CheckQueues(MessageStore& store, const QuarantineList& quarantined,
                         std::vector<std::string>* faults) const {
  struct Queue {
    std::vector<const LedgerEntry*> left;
    int64_t given = 0;
    bool some_lost = false;
  };
  const int64_t log_end = store.recovery().end.value;
  std::map<std::pair<std::string, int32_t>, Queue> queues;
  for (const QueueName& queue : store.Queues()) queues[{queue.topic, queue.queue_id}];
  const auto add = [&](const LedgerEntry& entry, bool lost) {
    Queue& queue = queues[{entry.topic, entry.queue_id}];
    queue.given = std::max(queue.given, entry.queue_offset + 1);
    queue.some_lost = queue.some_lost || lost;
    if (!lost) queue.left.push_back(&entry);
  };
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() <= log_end) add(entry, quarantined.Holds(entry));
  }
  for (const LedgerEntry& entry : lost_) add(entry, true);
  for (const auto& [id, queue] : queues) {
    const std::string name = id.first + ' ' + std::to_string(id.second);
    TopicHandle topic;
    if (store.Intern(id.first, &topic).ok()) {
      QueueCheck(store, topic, id.second, name, faults)
          .Run(queue.left, queue.given, queue.some_lost);
      CheckTagCodes(store, topic, id.second, queue.left, faults);
    } else {
      faults->push_back("queue " + name + " has no possible name");
    }
  }
}

void Ledger::CheckTagCodes(const MessageStore& store, TopicHandle topic, int32_t queue_id,
                           const std::vector<const LedgerEntry*>& left,
                           std::vector<std::string>* faults) const {
  for (const LedgerEntry* entry : left) {
    ConsumeQueueEntry found;
    const size_t count = store.ReadEntries(topic, queue_id, {entry->queue_offset}, {&found, 1});
    if (count == 0 || found.physical_offset.value != entry->physical_offset) continue;
    const int64_t expected = entry->key.empty() ? 0 : JavaHashCode(entry->key);
    if (found.tag_code != expected) {
      faults->push_back(NameOf(*entry) + " has the tag code " + std::to_string(found.tag_code) +
                        " instead of " + std::to_string(expected));
    }
  }
}

void Ledger::CheckKeys(const MessageStore& store, const QuarantineList& quarantined,
                       std::vector<std::string>* faults) const {
  const int64_t log_end = store.recovery().end.value;
  for (const LedgerEntry& entry : entries_) {
    if (entry.end() > log_end || entry.key.empty() || quarantined.Holds(entry)) continue;
    const QueryResult found = store.QueryByKey(entry.topic, entry.key, 64, 0, INT64_MAX);
    if (std::ranges::count(found.offsets, PhysicalOffset{entry.physical_offset}) != 1) {
      faults->push_back("key " + entry.key + " does not find " + NameOf(entry));
    }
  }
}

void Ledger::CheckOffsets(std::vector<std::string>* faults) const {
  std::set<std::tuple<std::string, int32_t, int64_t>> lost;
  for (const LedgerEntry& entry : lost_)
    lost.insert({entry.topic, entry.queue_id, entry.queue_offset});
  std::map<std::pair<std::string, int32_t>, int64_t> next;
  for (const LedgerEntry& entry : entries_) {
    int64_t& expected = next[{entry.topic, entry.queue_id}];
    while (expected < entry.queue_offset &&
           lost.contains({entry.topic, entry.queue_id, expected})) {
      ++expected;
    }
    if (entry.queue_offset != expected) {
      faults->push_back(NameOf(entry) + " was given another offset than " +
                        std::to_string(expected));
    }
    expected = entry.queue_offset + 1;
  }
}

}  // namespace apogee::test
