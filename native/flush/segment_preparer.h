#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "log/commit_log.h"

namespace apogee {

// Keeps memory and the next segment ready ahead of the log's appender, on its own thread
// ("preallocate").
//
// Thread: Poke from any, never blocks for long. Start and Stop from one.
class SegmentPreparer {
 public:
  explicit SegmentPreparer(CommitLog& log) : log_(log) {}
  ~SegmentPreparer() { Stop(); }

  void Start();
  void Poke();  // the appender has moved
  // Ends the thread, after the step it is in. Idempotent.
  void Stop();

 private:
  void Run();

  CommitLog& log_;
  std::mutex mutex_;  // guards poked_, stop_
  std::condition_variable wake_;
  bool poked_ = true;  // once at the start
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace apogee
