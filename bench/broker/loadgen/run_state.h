// What all connections of a run share: its phase, its tickets and its counters. Used by one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "latency_histogram.h"
#include "options.h"

namespace apogee::bench {

inline uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

inline int64_t WallMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

class RunState {
 public:
  explicit RunState(const Options& options) : max_requests_(options.max_requests) {}

  // True when one more request may be sent; it counts as sent.
  bool TakeTicket() {
    if (!sending_ || (max_requests_ > 0 && sent_ == max_requests_)) return false;
    ++sent_;
    return true;
  }

  // One successful answer. `messages` is 1 for a send and the records in the body for a pull.
  void Succeed(uint64_t latency_ns, int64_t messages) {
    ++answered_;
    ++response_codes_[0];
    if (!measuring_) return;
    latencies_.Record(latency_ns);
    messages_ += messages;
  }

  // One answer with an error code.
  void Refuse(int64_t code, std::string_view remark) {
    ++answered_;
    ++response_codes_[code];
    Fail("code " + std::to_string(code) + ": " + std::string(remark.substr(0, kMaxRemarkBytes)));
  }

  // `count` requests that got no usable answer, for one reason.
  void Lose(int64_t count, const std::string& reason) {
    lost_ += count;
    Fail(reason, count);
  }

  // A fault that is no answer; counts at least once even when nothing was waiting.
  void Fail(const std::string& reason, int64_t count = 1) {
    errors_ += std::max<int64_t>(count, 1);
    if (first_error_.empty()) first_error_ = reason;
  }

  void StartMeasuring() { measuring_ = true; }
  void StopMeasuring() { measuring_ = false; }
  void StopSending() { sending_ = false; }

  bool exhausted() const { return max_requests_ > 0 && sent_ == max_requests_; }
  bool sending() const { return sending_; }
  bool all_answered() const { return answered_ + lost_ == sent_; }
  int64_t sent() const { return sent_; }
  int64_t answered() const { return answered_; }
  int64_t unanswered() const { return sent_ - answered_; }
  int64_t messages() const { return messages_; }
  int64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }
  const LatencyHistogram& latencies() const { return latencies_; }
  const std::map<int64_t, int64_t>& response_codes() const { return response_codes_; }

 private:
  static constexpr size_t kMaxRemarkBytes = 300;

  const int64_t max_requests_;
  bool sending_ = true;
  bool measuring_ = false;
  int64_t sent_ = 0;
  int64_t answered_ = 0;
  int64_t lost_ = 0;
  int64_t messages_ = 0;  // in the measured window
  int64_t errors_ = 0;    // in the whole run
  std::string first_error_;
  LatencyHistogram latencies_;
  std::map<int64_t, int64_t> response_codes_;
};

}  // namespace apogee::bench
