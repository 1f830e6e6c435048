#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/offsets.h"
#include "base/status.h"
#include "flush/segment_preparer.h"
#include "log/commit_log.h"

namespace apogee {

enum class FlushMode : uint8_t {
  kAsync,  // flushed by interval and by pages
  kSync,   // each append asks for its sync; all appends waiting when a sync starts share it
};

struct FlushOptions {
  FlushMode mode = FlushMode::kAsync;
  int64_t interval_ms = 500;  // async: how often the thread looks
  int32_t least_pages = 4;    // async: dirty 4 KiB pages below which an interval is skipped
  int64_t thorough_interval_ms = 10000;  // async: flushes whatever is dirty at least this often
  // Async, when records are staged first: the same for writing them to the segments.
  int64_t commit_interval_ms = 200;
  int32_t commit_least_pages = 4;
  int64_t commit_thorough_interval_ms = 200;
};

// Commits staged bytes and makes appended bytes durable on its own thread ("flush"), and owns the
// thread that prepares segments ("preallocate").
//
// Thread: Request from the appender, never blocks. flushed(), status() from any. on_flushed is
// called on the flush thread after each commit or sync that advanced and once after the first
// failure. Failure: the first failed write or sync is sticky. Nothing at or above it ever becomes
// flushed; status() says why.
class LogFlusher {
 public:
  LogFlusher(CommitLog& log, const FlushOptions& options, std::function<void()> on_flushed);
  ~LogFlusher();  // stops and joins

  void Start();  // before the first append
  // Wakes the thread to flush now, when `end` is not yet flushed. Each durable append under kSync
  // asks for it; under kAsync only who will not wait for the interval.
  void Request(PhysicalOffset end);
  // Wakes the thread to commit now what is appended, without a sync.
  void RequestCommit();
  // Flushes what is appended, then ends the threads; no append may follow. Answers status().
  // Idempotent.
  Status Stop();
  PhysicalOffset flushed() const { return log_.flushed(); }
  Status status() const;

 private:
  enum class Work : uint8_t { kCommit, kFlush, kStop };
  void Run();
  Work WaitForWork();
  Work WaitForInterval(std::unique_lock<std::mutex>& lock);
  bool Asked() const;
  void CommitOnce();
  void FlushOnce();
  void Fail(const Status& status);
  bool IntervalIsOver() const;
  bool EnoughDirty() const;
  bool EnoughStaged() const;

  CommitLog& log_;
  const FlushOptions options_;
  const std::function<void()> on_flushed_;
  SegmentPreparer preparer_;
  int64_t last_flush_us_ = 0;   // flush thread
  int64_t last_commit_us_ = 0;  // flush thread
  int64_t waited_ms_ = 0;       // flush thread: since it last looked whether to flush
  mutable std::mutex mutex_;    // guards wanted_, commit_asked_, stop_, failure_
  std::condition_variable wake_;
  PhysicalOffset wanted_;
  bool commit_asked_ = false;
  bool stop_ = false;
  Status failure_;
  std::thread thread_;
};

}  // namespace apogee
