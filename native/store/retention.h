#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "io/store_io.h"
#include "store/retention_file.h"
#include "store/retention_options.h"
#include "store/segment_cleaner.h"
#include "store/space_guard.h"
#include "store/topic_trimmer.h"
#include "store/verified_clock.h"

namespace apogee {

// Keeps the store within its time and its disk, on its own thread ("clean").
//
// A round deletes segments over their time during the configured hours, at any hour when the disk
// is fuller than it should be, and regardless of their time when it is nearly full; then it trims
// queues and index, and the topics with a retention of their own. Nothing is deleted while the
// store is read-only, and nothing because a clock jumped (see VerifiedClock).
//
// Thread: Start and Stop from one; Run() is its own; the rest from any.
// Failure: what keeps a round from its work is told in stats().problem and tried again.
class Retention {
 public:
  struct Parts {
    StoreIo& io;
    std::string root;
    CommitLog& log;
    const TopicTable& topics;
    ConsumeQueueTable& queues;
    IndexService* index;  // may be null
    SpaceGuard& space;
    std::function<PhysicalOffset()> durable;  // see SegmentCleaner
    // Asks for everything appended so far to become durable soon.
    std::function<void()> hasten;
    std::function<bool()> read_only;
    std::function<void(PhysicalOffset)> on_segment_removed;
    // Ends the removal of a topic. What becomes of it is the request's result.
    std::function<Status(const std::string& topic)> remove_topic;
    // Results are there to be taken, or appends are refused from now on, or no longer, or the wall
    // clock is doubted from now on, or no longer.
    std::function<void()> on_notice;
  };

  // `state`: of the opening before.
  Retention(Parts parts, RetentionOptions options, RetentionState state);
  ~Retention() { Stop(); }

  // Trims topics once, before anybody reads, and starts the thread.
  void Start();
  // Ends the thread after the file it is at, and keeps what has to be kept. Idempotent.
  void Stop();

  void SetOptions(const RetentionOptions& options);
  RetentionOptions options() const;
  // The ticket of the result that TakeResults will give.
  uint64_t Request(RetentionRequest request);
  std::vector<RetentionResult> TakeResults();
  RetentionStats stats() const;
  std::map<std::string, TopicRetention> topics() const;

 private:
  struct Ticketed {
    uint64_t ticket;
    RetentionRequest request;
  };
  void Run();
  void LookAround(const RetentionOptions& options);
  void LookAtSpace(const RetentionOptions& options);
  void Round(const RetentionOptions& options);
  void Serve(const Ticketed& ticketed, const RetentionOptions& options);
  Status DeleteForced(const RetentionOptions& options);
  Status DeleteExpired(const RetentionOptions& options);
  Status TruncateBefore(PhysicalOffset offset, const RetentionOptions& options);
  Status SetTopic(const RetentionRequest& request);
  void AwaitDurable(PhysicalOffset wanted);
  Removal SpaceRemoval();
  Status Delete(const SegmentCleaner::Rule& rule, const RetentionOptions& options,
                int64_t* deleted_segments);
  Status Trim(const RetentionOptions& options);
  void KeepVerifiedTime();
  RetentionState State() const;
  bool Pause(int64_t ms);
  void NoteProblem(const Status& status);

  const Parts parts_;
  VerifiedClock clock_;
  TopicTrimmer trimmer_;           // "clean" thread
  SegmentCleaner cleaner_;         // "clean" thread
  int64_t kept_verified_ms_;       // "clean" thread; what the file says
  bool kept_doubted_;              // the same
  PhysicalOffset truncate_below_;  // "clean" thread; asked for and not all done

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  RetentionOptions options_;
  std::map<std::string, TopicRetention> topics_;
  std::deque<Ticketed> requests_;
  std::vector<RetentionResult> results_;
  uint64_t last_ticket_ = 0;
  RetentionStats done_;  // deleted_*, last_delete_ms, problem
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace apogee
