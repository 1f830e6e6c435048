#include "load.h"

#include <time.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <random>

#include "process_counters.h"

namespace apogee::bench {
namespace {

constexpr size_t kLeastSourceBytes = 1 << 20;
constexpr int32_t kGroup = 32;  // appends of one call where nobody waits for the device
constexpr int64_t kSegmentsKept = 4;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kNsPerSecond = 1000000000;
constexpr int64_t kSpinNs = 80000;   // a timer may be as late
constexpr int64_t kCatchUpPart = 8;  // of an interval, by which it is shortened at most

// Senders that wait for the device: all that are ready append in one call and ask for one flush.
class DurableSenders final : public LoadRun {
 public:
  DurableSenders(const Options& options, Backend& backend)
      : backend_(backend), bodies_(options.body_bytes), ready_(options.senders) {}

  std::string RunUntil(int64_t until_ns, int64_t max_end, LatencyHistogram* into) override {
    for (int64_t now = NowNs(); now < until_ns && end_ < max_end; now = NowNs()) {
      if (ready_ > 0) {
        if (std::string wrong = AppendReady(now); !wrong.empty()) return wrong;
      }
      if (std::string wrong = backend_.WaitFlushed(settled_); !wrong.empty()) return wrong;
      Acknowledge(into);
    }
    return {};
  }

 private:
  struct Waiting {
    int64_t end;
    int64_t since_ns;
    int32_t senders;
  };

  std::string AppendReady(int64_t now) {
    if (std::string wrong = backend_.Append(bodies_.Take(static_cast<size_t>(ready_)), &end_);
        !wrong.empty()) {
      return wrong;
    }
    backend_.RequestFlush(end_);
    waiting_.push_back({end_, now, ready_});
    ready_ = 0;
    return {};
  }

  void Acknowledge(LatencyHistogram* into) {
    settled_ = backend_.flushed();
    const int64_t now = NowNs();
    while (!waiting_.empty() && waiting_.front().end <= settled_) {
      const Waiting& group = waiting_.front();
      for (int32_t i = 0; i < group.senders; ++i) {
        into->Record(static_cast<uint64_t>(now - group.since_ns));
      }
      operations_ += group.senders;
      ready_ += group.senders;
      waiting_.pop_front();
    }
  }

  Backend& backend_;
  BodySource bodies_;
  int32_t ready_;
  int64_t settled_ = 0;
  std::deque<Waiting> waiting_;
};

// Appends that are acknowledged when the call returns, `group` in a call, as fast as it goes.
class ImmediateSenders : public LoadRun {
 public:
  ImmediateSenders(const Options& options, Backend& backend, int32_t group)
      : backend_(backend), bodies_(options.body_bytes), group_(group) {}

  std::string RunUntil(int64_t until_ns, int64_t max_end, LatencyHistogram* into) override {
    for (int64_t begin = NowNs(); begin < until_ns && end_ < max_end;) {
      if (std::string wrong = backend_.Append(bodies_.Take(static_cast<size_t>(group_)), &end_);
          !wrong.empty()) {
        return wrong;
      }
      const int64_t now = NowNs();
      for (int32_t i = 0; i < group_; ++i) into->Record(static_cast<uint64_t>(now - begin));
      operations_ += group_;
      begin = now;
      if (std::string wrong = Appended(); !wrong.empty()) return wrong;
    }
    return {};
  }

 protected:
  virtual std::string Appended() { return {}; }

  Backend& backend_;

 private:
  BodySource bodies_;
  const int32_t group_;
};

// The same on a log that has reached what is kept of it, which was filled before anything counts.
class RetainedSenders final : public ImmediateSenders {
 public:
  RetainedSenders(const Options& options, Backend& backend)
      : ImmediateSenders(options, backend, kGroup), segment_bytes_(options.segment_bytes) {}

  std::string Fill() override {
    LatencyHistogram ignored;
    return ImmediateSenders::RunUntil(kNever, (kSegmentsKept + 2) * segment_bytes_, &ignored);
  }

  std::string RunUntil(int64_t until_ns, int64_t /*max_end*/, LatencyHistogram* into) override {
    return ImmediateSenders::RunUntil(until_ns, kNever, into);
  }

 protected:
  std::string Appended() override {
    const int64_t keep_from = end_ / segment_bytes_ - kSegmentsKept;
    if (keep_from <= kept_from_) return {};
    kept_from_ = keep_from;
    return backend_.DeleteBelow(keep_from * segment_bytes_);
  }

 private:
  const int64_t segment_bytes_;
  int64_t kept_from_ = 0;  // in segments
};

// Groups at a fixed rate. What is measured is the append, and what it does to the groups behind it:
// a group counts from when it was due if an append before it had not returned by then. When this
// thread was woken too late for a group, no append held that up: it counts from when it begins, and
// so the groups behind it are due later too. The rate is made good by shorter intervals, not by a
// burst.
class PacedSenders final : public LoadRun {
 public:
  PacedSenders(const Options& options, Backend& backend)
      : backend_(backend),
        bodies_(options.body_bytes),
        interval_ns_(kNsPerSecond * kGroup / options.rate_per_second) {}

  std::string RunUntil(int64_t until_ns, int64_t max_end, LatencyHistogram* into) override {
    if (due_ns_ == 0) due_ns_ = NowNs();
    while (due_ns_ < until_ns && end_ < max_end) {
      const bool held_up = returned_ns_ > due_ns_;
      if (!held_up) WaitUntil(due_ns_);
      if (!held_up) {
        const int64_t now = NowNs();
        behind_ns_ += now - due_ns_;
        due_ns_ = now;
      }
      const int64_t begin = due_ns_;
      if (std::string wrong = backend_.Append(bodies_.Take(kGroup), &end_); !wrong.empty()) {
        return wrong;
      }
      returned_ns_ = NowNs();
      into->Record(static_cast<uint64_t>(returned_ns_ - begin));
      operations_ += kGroup;
      const int64_t sooner_ns = std::min(behind_ns_, interval_ns_ / kCatchUpPart);
      behind_ns_ -= sooner_ns;
      due_ns_ += interval_ns_ - sooner_ns;
    }
    return {};
  }

 private:
  static void WaitUntil(int64_t due_ns) {
    const int64_t wake_ns = due_ns - kSpinNs;
    if (wake_ns > NowNs()) {
      const timespec wake{wake_ns / kNsPerSecond, wake_ns % kNsPerSecond};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
    }
    while (NowNs() < due_ns) {
    }
  }

  Backend& backend_;
  BodySource bodies_;
  const int64_t interval_ns_;
  int64_t due_ns_ = 0;
  int64_t behind_ns_ = 0;  // the rate, for want of this thread
  int64_t returned_ns_ = 0;
};

}  // namespace

BodySource::BodySource(int32_t body_bytes)
    : body_bytes_(static_cast<size_t>(body_bytes)),
      bytes_(std::max(kLeastSourceBytes, 2 * static_cast<size_t>(body_bytes))) {
  std::mt19937_64 random(1);  // NOLINT: the same bodies in every run
  for (uint8_t& byte : bytes_) byte = static_cast<uint8_t>(random());
}

std::span<const Body> BodySource::Take(size_t count) {
  bodies_.clear();
  for (size_t i = 0; i < count; ++i) {
    if (at_ + body_bytes_ > bytes_.size()) at_ = 0;
    bodies_.emplace_back(bytes_.data() + at_, body_bytes_);
    at_ += body_bytes_;
  }
  return bodies_;
}

std::unique_ptr<LoadRun> MakeLoad(const Options& options, Backend& backend) {
  if (options.load == Load::kPaced) return std::make_unique<PacedSenders>(options, backend);
  if (options.load == Load::kRetained) return std::make_unique<RetainedSenders>(options, backend);
  if (options.sync) return std::make_unique<DurableSenders>(options, backend);
  const int32_t group =
      options.load == Load::kSustained ? kGroup : std::min(options.senders, kGroup);
  return std::make_unique<ImmediateSenders>(options, backend, group);
}

}  // namespace apogee::bench
