#include "flush/log_flusher.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "base/background_thread.h"
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
  last_commit_us_ = last_flush_us_;
  log_.SetProgressListener([this] { preparer_.Poke(); });
  log_.SetCommitListener([this] { RequestCommit(); });
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

void LogFlusher::RequestCommit() {
  {
    const std::lock_guard lock(mutex_);
    if (commit_asked_) return;
    commit_asked_ = true;
  }
  wake_.notify_one();
}

void LogFlusher::Run() {
  SetThreadName("flush");
  // Under kSync senders wait for each step.
  if (options_.mode == FlushMode::kAsync) EnterBackground();
  for (;;) {
    const Work work = WaitForWork();
    if (work == Work::kCommit) {
      CommitOnce();
    } else {
      FlushOnce();  // at the end as well
    }
    if (work == Work::kStop) return;
  }
}

// With mutex_ held. After a failure there is no work any more, only the end.
bool LogFlusher::Asked() const {
  return stop_ || (failure_.ok() && (commit_asked_ || wanted_ > log_.flushed()));
}

LogFlusher::Work LogFlusher::WaitForWork() {
  std::unique_lock lock(mutex_);
  if (options_.mode == FlushMode::kAsync && failure_.ok() && !Asked()) {
    const Work work = WaitForInterval(lock);
    if (work != Work::kStop) return work;  // else somebody asked
  }
  wake_.wait(lock, [this] { return Asked(); });
  if (stop_) return Work::kStop;
  const bool flush = wanted_ > log_.flushed() || IntervalIsOver();
  commit_asked_ = false;
  return flush ? Work::kFlush : Work::kCommit;
}

// Until an interval ends that leaves something to do, or somebody asks (kStop).
LogFlusher::Work LogFlusher::WaitForInterval(std::unique_lock<std::mutex>& lock) {
  const int64_t step_ms = log_.staged()
                              ? std::min(options_.interval_ms, options_.commit_interval_ms)
                              : options_.interval_ms;
  for (;;) {
    if (wake_.wait_for(lock, std::chrono::milliseconds(step_ms), [this] { return Asked(); })) {
      return Work::kStop;
    }
    waited_ms_ += step_ms;
    if (waited_ms_ >= options_.interval_ms) {
      waited_ms_ = 0;
      if (EnoughDirty()) return Work::kFlush;
    }
    if (log_.staged() && EnoughStaged()) return Work::kCommit;
  }
}

// For when commits are asked for so often that no interval passes in peace.
bool LogFlusher::IntervalIsOver() const {
  if (options_.mode != FlushMode::kAsync) return false;
  const int64_t since_us = log_.clock().MonotonicUs() - last_flush_us_;
  return since_us >= options_.interval_ms * 1000 && EnoughDirty();
}

bool LogFlusher::EnoughDirty() const {
  const int64_t appended = log_.appended().value;
  const int64_t flushed = log_.flushed().value;
  if (appended == flushed) return false;
  const int64_t since_us = log_.clock().MonotonicUs() - last_flush_us_;
  if (since_us >= options_.thorough_interval_ms * 1000) return true;
  return appended / kDirtyPageBytes - flushed / kDirtyPageBytes >= options_.least_pages;
}

bool LogFlusher::EnoughStaged() const {
  const int64_t appended = log_.appended().value;
  const int64_t committed = log_.committed().value;
  if (appended == committed) return false;
  const int64_t since_us = log_.clock().MonotonicUs() - last_commit_us_;
  if (since_us >= options_.commit_thorough_interval_ms * 1000) return true;
  return appended / kDirtyPageBytes - committed / kDirtyPageBytes >= options_.commit_least_pages;
}

void LogFlusher::Fail(const Status& status) {
  if (status.ok()) return;
  const std::lock_guard lock(mutex_);
  failure_ = status;
}

void LogFlusher::CommitOnce() {
  const PhysicalOffset before = log_.committed();
  const Status status = log_.Commit();
  last_commit_us_ = log_.clock().MonotonicUs();
  Fail(status);
  if (on_flushed_ && (!status.ok() || log_.committed() > before)) on_flushed_();
}

// One sync for everything appended when it starts.
void LogFlusher::FlushOnce() {
  if (!status().ok()) return;
  const PhysicalOffset before = log_.flushed();
  PhysicalOffset after;
  const Status status = log_.Flush(&after);
  assert(after >= before && after <= log_.appended());
  last_flush_us_ = log_.clock().MonotonicUs();
  last_commit_us_ = last_flush_us_;
  Fail(status);
  if (on_flushed_ && (!status.ok() || after > before)) on_flushed_();
}

}  // namespace apogee
