// Counts of latencies in log-linear buckets: exact below 128 ns, and above that 128 buckets for
// each power of two, so that a reported percentile is within 0.4 % of the true one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace apogee::bench {

class LatencyHistogram {
 public:
  void Record(uint64_t latency_ns) {
    ++counts_[BucketOf(latency_ns)];
    ++total_;
    sum_ns_ += latency_ns;
    if (latency_ns > max_ns_) max_ns_ = latency_ns;
  }

  void Reset();

  // The latency that `fraction` (0 to 1) of the records do not exceed, in ns; 0 when empty.
  uint64_t Percentile(double fraction) const;

  uint64_t total() const { return total_; }
  uint64_t max_ns() const { return max_ns_; }  // exact
  double mean_ns() const {
    return total_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(total_);
  }

 private:
  static constexpr int kSubBits = 7;
  static constexpr uint64_t kSubBuckets = 1u << kSubBits;
  static constexpr int kMaxBits = 42;  // 73 minutes; longer ones are counted as that long
  static constexpr size_t kBuckets = kSubBuckets * (kMaxBits - kSubBits + 1);

  static size_t BucketOf(uint64_t ns) {
    if (ns < kSubBuckets) return ns;
    if (ns >= (uint64_t{1} << kMaxBits)) return kBuckets - 1;
    const int shift = static_cast<int>(std::bit_width(ns)) - 1 - kSubBits;
    return (static_cast<size_t>(shift) << kSubBits) + (ns >> shift);
  }
  static uint64_t MiddleOf(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t total_ = 0;
  uint64_t sum_ns_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace apogee::bench
