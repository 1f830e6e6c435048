#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace apogee {
namespace {

constexpr size_t kLeastThreads = 2;
constexpr size_t kMostThreads = 16;

}  // namespace

size_t LoadingThreads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency(), kLeastThreads, kMostThreads);
}

Status ParallelFor(size_t count, size_t threads, const std::function<Status(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;  // guards failure
  Status failure;
  const auto run = [&] {
    while (!failed.load(std::memory_order_relaxed)) {
      const size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      const Status status = work(i);
      if (status.ok()) continue;
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) failure = status;
    }
  };
  std::vector<std::thread> helpers;
  helpers.reserve(threads);
  for (size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(run);
  run();
  for (std::thread& helper : helpers) helper.join();
  return failure;
}

}  // namespace apogee
