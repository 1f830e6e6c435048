#include "store/retention.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <utility>

#include "base/background_thread.h"
#include "base/thread_name.h"

namespace apogee {
namespace {

constexpr int kManualRounds = 20;  // as Java
constexpr PhysicalOffset kEverything{std::numeric_limits<int64_t>::max()};
// How much verified time a crash may cost.
constexpr int64_t kKeepVerifiedEveryMs = 10 * 60 * 1000;
constexpr int64_t kDurablePauseMs = 5;
constexpr int64_t kDurableWaitUs = 5'000'000;
constexpr int64_t kLongestWaitMs = 3'600'000;

bool IsDeleteHour(int64_t now_ms, uint32_t hours) {
  const auto seconds = static_cast<std::time_t>(now_ms / 1000);
  std::tm local{};
  return localtime_r(&seconds, &local) != nullptr && (hours >> local.tm_hour & 1) != 0;
}

// A time that has surely passed. What was stored under a doubted clock proves nothing.
int64_t KnownMs(const RetentionState& state, int64_t newest_store_time_ms) {
  return state.doubted ? state.verified_ms : std::max(state.verified_ms, newest_store_time_ms);
}

std::string Hours(int64_t ms) {
  const int64_t tenths = ms / 360000;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " h";
}

}  // namespace

Retention::Retention(Parts parts, RetentionOptions options, RetentionState state)
    : parts_(std::move(parts)),
      clock_(parts_.log.clock(), KnownMs(state, parts_.log.last_store_time_ms()),
             options.reserved_ms),
      trimmer_(parts_.log, parts_.topics, parts_.queues),
      cleaner_({parts_.log, parts_.queues, parts_.index, parts_.durable,
                [this](int64_t ms) {
                  LookAtSpace(this->options());
                  return Pause(ms);
                },
                parts_.on_segment_removed}),
      kept_verified_ms_(state.verified_ms > 0 ? state.verified_ms : clock_.now_ms()),
      kept_doubted_(state.doubted),
      options_(std::move(options)),
      topics_(std::move(state.topics)) {}

void Retention::Start() {
  parts_.space.Look(options_);
  NoteProblem(trimmer_.Trim(topics_, clock_.now_ms()));
  thread_ = std::thread([this] { Run(); });
}

void Retention::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  KeepVerifiedTime();
}

void Retention::SetOptions(const RetentionOptions& options) {
  {
    const std::lock_guard lock(mutex_);
    options_ = options;
  }
  wake_.notify_all();
}

RetentionOptions Retention::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

uint64_t Retention::Request(RetentionRequest request) {
  uint64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = ++last_ticket_;
    requests_.push_back({ticket, std::move(request)});
  }
  wake_.notify_all();
  return ticket;
}

std::vector<RetentionResult> Retention::TakeResults() {
  const std::lock_guard lock(mutex_);
  return std::exchange(results_, {});
}

RetentionStats Retention::stats() const {
  RetentionStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = done_;
  }
  parts_.space.Describe(&stats);
  stats.verified_ms = clock_.now_ms();
  stats.clock_ahead_ms = clock_.ahead_ms();
  if (stats.clock_ahead_ms > 0) {
    stats.clock_doubt = "the wall clock is " + Hours(stats.clock_ahead_ms) +
                        " ahead of the time that has verifiably passed; ages count by the latter";
  }
  return stats;
}

std::map<std::string, TopicRetention> Retention::topics() const {
  const std::lock_guard lock(mutex_);
  return topics_;
}

void Retention::Run() {
  SetThreadName("clean");
  EnterBackground();
  using SteadyClock = std::chrono::steady_clock;
  auto next_round = SteadyClock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const RetentionOptions options = options_;
    const std::deque<Ticketed> requests = std::exchange(requests_, {});
    lock.unlock();
    LookAround(options);
    for (const Ticketed& ticketed : requests) Serve(ticketed, options);
    if (SteadyClock::now() >= next_round) {
      Round(options);
      next_round = SteadyClock::now() + std::chrono::milliseconds(options.clean_interval_ms);
    }
    lock.lock();
    const int64_t wait_ms = std::min(options.clean_interval_ms, options.space_interval_ms);
    if (stop_ || !requests_.empty()) continue;
    wake_.wait_for(lock,
                   std::chrono::milliseconds(std::clamp<int64_t>(wait_ms, 1, kLongestWaitMs)));
  }
}

void Retention::LookAround(const RetentionOptions& options) {
  const bool doubted = clock_.ahead_ms() > 0;
  clock_.SetBelieveAfter(options.reserved_ms);
  clock_.Look();
  KeepVerifiedTime();
  if (doubted != (clock_.ahead_ms() > 0) && parts_.on_notice) parts_.on_notice();
  LookAtSpace(options);
}

void Retention::LookAtSpace(const RetentionOptions& options) {
  if (parts_.space.Look(options) && parts_.on_notice) parts_.on_notice();
}

void Retention::Round(const RetentionOptions& options) {
  if (parts_.read_only()) return;
  const bool due = parts_.space.pressure() != SpaceGuard::Pressure::kNone ||
                   IsDeleteHour(parts_.log.clock().NowMs(), options.delete_hours);
  Status status;
  int64_t deleted = 0;
  const Removal removal = SpaceRemoval();
  if (parts_.log.min_offset() < truncate_below_) {
    status =
        Delete({.by_age = false, .below = truncate_below_, .removal = removal}, options, &deleted);
  }
  if (status.ok() && due) {
    const int64_t oldest_ms = clock_.now_ms() - options.reserved_ms;
    status = Delete({.stored_until_ms = oldest_ms, .below = kEverything, .removal = removal},
                    options, &deleted);
  }
  if (status.ok()) status = DeleteForced(options);
  if (status.ok()) status = Trim(options);
  NoteProblem(status);
}

// Segments kept to be used again are the first to go when space is short.
Removal Retention::SpaceRemoval() {
  if (parts_.space.pressure() == SpaceGuard::Pressure::kNone) return Removal::kMayKeep;
  parts_.log.segments().DropRecycled();
  return Removal::kFreeSpace;
}

// Not more than it takes: each of these had its time before it.
Status Retention::DeleteForced(const RetentionOptions& options) {
  for (int count = 0; count < SegmentCleaner::kPerRound; ++count) {
    LookAtSpace(options);
    if (parts_.space.pressure() != SpaceGuard::Pressure::kForced || !options.clean_forcibly) break;
    int64_t deleted = 0;
    APOGEE_RETURN_IF_ERROR(Delete(
        {.by_age = false, .below = kEverything, .at_most = 1, .removal = Removal::kFreeSpace},
        options, &deleted));
    if (deleted == 0 || !Pause(options.delete_segment_interval_ms)) break;
  }
  return Status::Ok();
}

Status Retention::Delete(const SegmentCleaner::Rule& rule, const RetentionOptions& options,
                         int64_t* deleted_segments) {
  SegmentCleaner::Deleted deleted;
  const Status status = cleaner_.Delete(rule, options, &deleted);
  *deleted_segments += deleted.segments;
  if (deleted.segments > 0) {
    const std::lock_guard lock(mutex_);
    done_.deleted_segments += deleted.segments;
    done_.deleted_bytes += deleted.bytes;
    done_.last_delete_ms = parts_.log.clock().NowMs();
  }
  return status;
}

Status Retention::Trim(const RetentionOptions& options) {
  APOGEE_RETURN_IF_ERROR(cleaner_.TrimDerived(options));
  return trimmer_.Trim(topics(), clock_.now_ms());
}

void Retention::Serve(const Ticketed& ticketed, const RetentionOptions& options) {
  using Kind = RetentionRequest::Kind;
  const RetentionRequest& request = ticketed.request;
  const int64_t before = stats().deleted_segments;
  Status status;
  if (parts_.read_only() && request.kind != Kind::kAcceptClock) {
    status = Status::Error(StatusCode::kReadOnly, "nothing is deleted from a read-only store");
  } else if (request.kind == Kind::kDeleteExpired) {
    status = DeleteExpired(options);
  } else if (request.kind == Kind::kTruncateBefore) {
    status = TruncateBefore(request.offset, options);
  } else if (request.kind == Kind::kSetTopic) {
    status = SetTopic(request);
  } else if (request.kind == Kind::kRemoveTopic) {
    status = parts_.remove_topic(request.topic);
  } else {
    clock_.Accept();
  }
  {
    const std::lock_guard lock(mutex_);
    results_.push_back({ticketed.ticket, status, done_.deleted_segments - before});
  }
  if (parts_.on_notice) parts_.on_notice();
}

Status Retention::DeleteExpired(const RetentionOptions& options) {
  AwaitDurable(parts_.log.appended());
  const int64_t oldest_ms = clock_.now_ms() - options.reserved_ms;
  for (int round = 0; round < kManualRounds; ++round) {
    int64_t deleted = 0;
    APOGEE_RETURN_IF_ERROR(
        Delete({.stored_until_ms = oldest_ms, .below = kEverything}, options, &deleted));
    if (deleted == 0 || !Pause(options.delete_segment_interval_ms)) break;
  }
  return Trim(options);
}

Status Retention::TruncateBefore(PhysicalOffset offset, const RetentionOptions& options) {
  truncate_below_ = std::max(truncate_below_, std::min(offset, parts_.log.appended()));
  AwaitDurable(truncate_below_);
  int64_t deleted = 0;
  APOGEE_RETURN_IF_ERROR(Delete(
      {.by_age = false, .below = truncate_below_, .at_most = std::numeric_limits<int>::max()},
      options, &deleted));
  return Trim(options);
}

Status Retention::SetTopic(const RetentionRequest& request) {
  RetentionState state = State();
  if (!request.topic_retention.limited()) {
    state.topics.erase(request.topic);
  } else if (state.topics.size() >= kMaxRetainedTopics && !state.topics.contains(request.topic)) {
    return Status::Error(StatusCode::kTooLarge, "at most " + std::to_string(kMaxRetainedTopics) +
                                                    " topics have a retention of their own");
  } else {
    state.topics[request.topic] = request.topic_retention;
  }
  APOGEE_RETURN_IF_ERROR(SaveRetention(parts_.io, parts_.root, state));
  kept_verified_ms_ = state.verified_ms;
  kept_doubted_ = state.doubted;
  {
    const std::lock_guard lock(mutex_);
    topics_ = state.topics;
  }
  return trimmer_.Trim(state.topics, clock_.now_ms());
}

// Bounded: what is not durable by then is deleted in a later round.
void Retention::AwaitDurable(PhysicalOffset wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kDurableWaitUs);
  while (parts_.durable() < wanted && !parts_.read_only() &&
         std::chrono::steady_clock::now() < until) {
    parts_.hasten();
    if (!Pause(kDurablePauseMs)) return;
  }
}

// The topics that a file has are not lost by this: they are written with it.
void Retention::KeepVerifiedTime() {
  const RetentionState state = State();
  const int64_t gained_ms = state.verified_ms - kept_verified_ms_;
  const bool news = state.doubted != kept_doubted_ || std::abs(gained_ms) >= kKeepVerifiedEveryMs;
  if (!news || parts_.read_only()) return;
  const Status saved = SaveRetention(parts_.io, parts_.root, state);
  if (!saved.ok()) return NoteProblem(saved);
  kept_verified_ms_ = state.verified_ms;
  kept_doubted_ = state.doubted;
}

RetentionState Retention::State() const {
  return {clock_.now_ms(), clock_.ahead_ms() > 0, topics()};
}

bool Retention::Pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  if (ms <= 0) return !stop_;
  return !wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stop_; });
}

void Retention::NoteProblem(const Status& status) {
  const std::lock_guard lock(mutex_);
  done_.problem = status.ok() ? std::string() : status.ToString();
}

}  // namespace apogee
