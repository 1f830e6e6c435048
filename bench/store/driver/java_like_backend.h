#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backend.h"
#include "java_log_file.h"
#include "options.h"

namespace apogee::bench {

// What the Java store does with its log by default, without Java: records encoded into the mapping
// of a file that nobody touched before, the next file made ready by a thread of its own, and a
// thread that forces the mapping, once for all who wait (sync) or every 500 ms when 4 pages are
// dirty (async). Old files are deleted by the thread that makes new ones. Queues and index are left
// out, in its favour.
class JavaLikeBackend final : public Backend {
 public:
  explicit JavaLikeBackend(const Options& options) : options_(options) {}
  ~JavaLikeBackend() override;

  std::string Open() override;
  std::string Append(std::span<const Body> bodies, int64_t* end) override;
  void RequestFlush(int64_t end) override;
  int64_t flushed() const override { return flushed_.load(std::memory_order_acquire); }
  std::string WaitFlushed(int64_t below) override;
  std::string DeleteBelow(int64_t offset) override;
  std::string Close() override;

 private:
  std::string AppendOne(Body body);
  std::string Roll();
  std::string CreateFile(int64_t index, std::unique_ptr<JavaLogFile>* file) const;
  void PrepareFiles();
  void DeleteOldest(std::unique_lock<std::mutex>& lock);
  int64_t segment() const { return options_.segment_bytes; }
  void Flush();
  bool WaitForFlush();
  void ForceUpTo(int64_t end);
  void Fail(const std::string& why);
  std::string failure() const;

  const Options options_;
  FlushSignal signal_;
  uint8_t* data_ = nullptr;  // of the current file
  int64_t base_ = 0;         // log offset where it starts
  int64_t next_queue_offset_ = 0;
  std::atomic<int64_t> appended_{0};
  std::atomic<int64_t> flushed_{0};

  mutable std::mutex mutex_;  // guards the following
  std::condition_variable flush_wanted_;
  std::condition_variable file_wanted_;
  std::condition_variable file_ready_;
  std::deque<std::unique_ptr<JavaLogFile>> files_;  // mapped until they are deleted, as in Java
  int64_t first_ = 0;                               // segment of files_.front()
  int64_t delete_below_ = 0;                        // segment
  std::unique_ptr<JavaLogFile> next_;
  int64_t wanted_ = 0;
  bool stop_ = false;
  std::string failure_;

  std::thread flush_thread_;
  std::thread prepare_thread_;
};

}  // namespace apogee::bench
