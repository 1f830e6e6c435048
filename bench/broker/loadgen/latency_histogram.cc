#include "latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace apogee::bench {

void LatencyHistogram::Reset() { *this = LatencyHistogram(); }

uint64_t LatencyHistogram::Percentile(double fraction) const {
  if (total_ == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(total_)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= std::max<uint64_t>(wanted, 1)) return std::min(MiddleOf(bucket), max_ns_);
  }
  return max_ns_;
}

uint64_t LatencyHistogram::MiddleOf(size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const size_t shift = (bucket >> kSubBits) - 1;
  const uint64_t low = (bucket - (shift << kSubBits)) << shift;
  return low + ((uint64_t{1} << shift) >> 1);
}

}  // namespace apogee::bench
