#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace apogee {

// Runs reads that may wait for the disk on threads of its own ("cold-read"), which start with the
// first one. What they read then is in the page cache for whoever asked.
//
// Thread: any. on_done is called on a reader thread after each read, never after Stop().
class ReadAhead {
 public:
  static constexpr size_t kThreads = 2;
  static constexpr size_t kMostWaiting = 1024;

  explicit ReadAhead(std::function<void()> on_done) : on_done_(std::move(on_done)) {}
  ~ReadAhead() { Stop(); }

  // False when kMostWaiting wait already, or after Stop().
  bool Submit(uint32_t ticket, std::function<void()> read);
  // Moves tickets of ended reads out, oldest first. Returns how many.
  size_t TakeDone(std::span<uint32_t> tickets);
  // Ends the threads after the read each is in; what waits is dropped. Idempotent.
  void Stop();

 private:
  struct Job {
    uint32_t ticket;
    std::function<void()> read;
  };
  void Run();

  const std::function<void()> on_done_;
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::deque<uint32_t> done_;
  size_t idle_ = 0;  // threads that wait for work
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace apogee
