#include "store/read_ahead.h"

#include <algorithm>
#include <utility>

#include "base/background_thread.h"
#include "base/thread_name.h"

namespace apogee {

bool ReadAhead::Submit(uint32_t ticket, std::function<void()> read) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || waiting_.size() >= kMostWaiting) return false;
    waiting_.push_back({ticket, std::move(read)});
    if (waiting_.size() > idle_ && threads_.size() < kThreads)
      threads_.emplace_back([this] { Run(); });
  }
  wake_.notify_one();
  return true;
}

size_t ReadAhead::TakeDone(std::span<uint32_t> tickets) {
  const std::lock_guard lock(mutex_);
  const size_t count = std::min(tickets.size(), done_.size());
  std::copy_n(done_.begin(), count, tickets.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

void ReadAhead::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    waiting_.clear();
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void ReadAhead::Run() {
  SetThreadName("cold-read");
  EnterBackground();
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    --idle_;
    if (stop_) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.read();
    lock.lock();
    if (stop_) return;
    done_.push_back(job.ticket);
    lock.unlock();
    if (on_done_) on_done_();
    lock.lock();
  }
}

}  // namespace apogee
