#include "flush/log_flusher.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "base/thread_name.h"

namespace apogee {
namespace {

constexpr int64_t kDirtyPageBytes = 4096;  // the unit of least_pages, as in Java

}  // namespace

LogFlusher::LogFlusher(CommitLog& log, const FlushOptions& options,
                       std::function<void()> on_flushed)
    : log_(log), options_(options), on_flushed_(std::move(on_flushed)), preparer_(log) {}

LogFlusher::~LogFlusher() {
  // Who wants to know the result calls Stop() himself.
  [[maybe_unused]] const Status status = Stop();
}

void LogFlusher::Start() {
  last_flush_us_ = log_.clock().MonotonicUs();
  wanted_ = log_.flushed();
  if (options_.mode == FlushMode::kSync) log_.ExpectSmallSyncs();
  log_.SetProgressListener([this] { preparer_.Poke(); });
  preparer_.Start();
  thread_ = std::thread([this] { Run(); });
}

void LogFlusher::Request(PhysicalOffset end) {
  end = std::min(end, log_.appended());
  if (end <= log_.flushed()) return;
  {
    const std::lock_guard lock(mutex_);
    if (end <= wanted_) return;
    wanted_ = end;
  }
  wake_.notify_one();
}

Status LogFlusher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  preparer_.Stop();
  if (thread_.joinable()) {
    thread_.join();
    // One that stays is harmless: recovery takes an empty last segment away.
    [[maybe_unused]] const Status dropped = log_.segments().DropPrepared();
  }
  return status();
}

Status LogFlusher::status() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void LogFlusher::Run() {
  SetThreadName("flush");
  while (WaitForWork()) FlushOnce();
  FlushOnce();
}

// Waits until there is something to flush (true) or the end (false).
bool LogFlusher::WaitForWork() {
  std::unique_lock lock(mutex_);
  const auto wanted = [this] { return stop_ || (failure_.ok() && wanted_ > log_.flushed()); };
  // After a failure there is no work any more, only the end.
  while (options_.mode == FlushMode::kAsync && failure_.ok() && !wanted()) {
    const bool woken =
        wake_.wait_for(lock, std::chrono::milliseconds(options_.interval_ms), wanted);
    if (!woken && EnoughDirty()) return true;
  }
  wake_.wait(lock, wanted);
  return !stop_;
}

bool LogFlusher::EnoughDirty() const {
  const int64_t appended = log_.appended().value;
  const int64_t flushed = log_.flushed().value;
  if (appended == flushed) return false;
  const int64_t since_us = log_.clock().MonotonicUs() - last_flush_us_;
  if (since_us >= options_.thorough_interval_ms * 1000) return true;
  return appended / kDirtyPageBytes - flushed / kDirtyPageBytes >= options_.least_pages;
}

// One sync for everything appended when it starts.
void LogFlusher::FlushOnce() {
  if (!status().ok()) return;
  const PhysicalOffset before = log_.flushed();
  PhysicalOffset after;
  const Status status = log_.Flush(&after);
  assert(after >= before && after <= log_.appended());
  last_flush_us_ = log_.clock().MonotonicUs();
  if (!status.ok()) {
    const std::lock_guard lock(mutex_);
    failure_ = status;
  }
  if (on_flushed_ && (!status.ok() || after > before)) on_flushed_();
}

}  // namespace apogee
