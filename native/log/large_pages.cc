#include "log/large_pages.h"

#include <algorithm>

namespace apogee {
namespace {

constexpr size_t kPartBytes = MirroredMemory::kLargePageBytes;
constexpr size_t kPartsAhead = 8;
// A system that has none, or memory in pieces: every attempt would be in vain, and takes its time.
constexpr int kMostFailures = 16;

}  // namespace

void LargePages::Begin(MirroredMemory& memory) {
  memory_ = &memory;
  parts_.assign(memory.size() / kPartBytes, {});
  left_ = parts_.size();
}

bool LargePages::Step(int64_t appended) {
  if (left_ == 0) return false;
  const auto here = static_cast<size_t>(appended) / kPartBytes;
  const size_t most_ahead = std::min(kPartsAhead, parts_.size() - 1);
  for (size_t ahead = 1; ahead <= most_ahead; ++ahead) {
    const size_t index = (here + ahead) % parts_.size();
    Part& part = parts_[index];
    if (part.done || appended < part.not_before) continue;
    part.done = memory_->MakeLargePage(index * kPartBytes);
    if (part.done) {
      --left_;
      failures_ = 0;
    } else {
      // It may be in use just now: the device reads it, or somebody holds it. In the next round.
      part.not_before = appended + static_cast<int64_t>(memory_->size() - most_ahead * kPartBytes);
      if (++failures_ == kMostFailures) left_ = 0;
    }
    return left_ > 0;
  }
  return false;
}

}  // namespace apogee
