#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "index/index_service.h"
#include "log/commit_log.h"
#include "queue/consume_queue_table.h"
#include "store/arrivals.h"
#include "store/dispatch_item.h"
#include "store/dispatch_places.h"
#include "store/extension_units.h"
#include "store/record_checksums.h"
#include "store/removed_topics.h"

namespace apogee {

// Follows the log on its own thread ("dispatch") and adds each record to its consume queue and to
// the index.
//
// Thread: Wake from the appender, never blocks for long; dispatched(), position() from any. The
// callbacks run on the dispatch thread. With direct I/O it keeps what it has yet to read in the
// staging ring, so that an append may have to wait for it as for the device. Failure: a full disk
// is tried again until there is space; anything else ends the dispatching and is told once.
class Dispatcher {
 public:
  struct Callbacks {
    std::function<void()> on_dispatched;
    std::function<void()> on_arrival;
    std::function<void(const Status&)> on_failure;
    // What is appended cannot be read yet, and nobody may have asked for that.
    std::function<void()> on_unreadable = nullptr;
  };
  struct Position {
    PhysicalOffset offset;      // everything below is dispatched
    int64_t store_time_ms = 0;  // of the last record below, 0 when none is known
    // The last record below and its checksum; -1 when none is known.
    PhysicalOffset last_record{-1};
    uint32_t last_checksum = 0;
  };

  // `index` may be null.
  Dispatcher(CommitLog& log, TopicTable& topics, ConsumeQueueTable& queues, IndexService* index,
             RecordChecksums& checksums, Arrivals& arrivals, const DispatchPlaces& places,
             RemovedTopics& removed, std::vector<int64_t> delay_levels_ms,
             const ConsumeQueueExtOptions& extension, Callbacks callbacks);
  ~Dispatcher();

  void Start(Position from);
  // The log has grown.
  void Wake();
  // Whether somebody waits for new entries, so that Wake is to wake it also when it only dozes. Any
  // thread.
  void SetHurry(bool hurry);
  // Dispatches what is readable, then ends the thread; no append may follow. Not ok when something
  // was left over. Idempotent.
  Status Stop();

  // Removes the queues of a topic whose removal is durable, each between two batches, so that other
  // topics go on. Ok when there is nothing to remove. Any thread.
  Status RemoveQueues(TopicHandle topic);

  PhysicalOffset dispatched() const { return {dispatched_.load(std::memory_order_acquire)}; }
  Position position() const;

 private:
  void Run();
  bool Doze();
  void Sleep();
  bool HasWork() const;
  void AskWhenUnreadable();
  Status DispatchBatch();
  Status DispatchBytes(std::span<const uint8_t> bytes, Position* at);
  Status DispatchRecord(const RecordView& record);
  Status PutEntry(const DispatchItem& item);
  Status FindQueue(const DispatchItem& item, ConsumeQueue** queue);
  Status RemoveQueuesAtOnce(std::string_view topic);
  template <typename Step>
  Status BetweenBatches(Step step);
  void Publish(const Position& at);

  CommitLog& log_;
  TopicTable& topics_;
  ConsumeQueueTable& queues_;
  IndexService* const index_;
  RecordChecksums& checksums_;
  Arrivals& arrivals_;
  const DispatchPlaces& places_;
  RemovedTopics& removed_;
  const std::vector<int64_t> delay_levels_ms_;
  const Callbacks callbacks_;
  ExtensionUnits units_;  // dispatch thread

  // Held by a batch, and by who changes queues beside it. Who waits for it holds the gate, which
  // the next batch goes through first.
  std::mutex queues_mutex_;
  std::mutex gate_mutex_;
  Position at_;           // dispatch thread
  StagingRing::Pin pin_;  // dispatch thread, once that runs
  std::vector<ConsumeQueue*>
      touched_;             // dispatch thread; queues with entries not yet told to arrivals_
  std::string last_topic_;  // of the record before; this and the next guarded by queues_mutex_
  std::vector<ConsumeQueue*> last_queues_;  // of that topic by queue id, as far as known

  std::atomic<int64_t> dispatched_{0};
  std::atomic<bool> hurry_{false};
  std::atomic<bool> asleep_{false};  // Wake has to wake it
  mutable std::mutex mutex_;  // guards published_, stop_, woken_, failure_
  std::condition_variable wake_;
  Position published_;
  bool stop_ = false;
  bool woken_ = false;
  Status failure_;
  std::thread thread_;
};

}  // namespace apogee
