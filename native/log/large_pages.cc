#include "log/large_pages.h"

#include <algorithm>

namespace apogee {
namespace {

constexpr size_t kPart = MirroredMemory::kLargePageBytes;
constexpr size_t kPartsAhead = 8;
// Where memory is in pieces every attempt is in vain, and takes its time.
constexpr int kMostFailures = 16;

}  // namespace

void LargePages::Begin(MirroredMemory& memory) {
  memory_ = &memory;
  done_.assign(memory.size() / kPart, false);
  left_ = done_.size();
}

bool LargePages::Step(int64_t appended) {
  if (left_ == 0) return false;
  const auto here = static_cast<size_t>(appended) / kPart;
  const size_t most_ahead = std::min(kPartsAhead, done_.size() - 1);
  for (size_t ahead = 1; ahead <= most_ahead; ++ahead) {
    const size_t part = (here + ahead) % done_.size();
    if (done_[part]) continue;
    // One that fails may be in use just now: it gets another chance in the next round.
    done_[part] = memory_->MakeLargePage(part * kPart);
    if (done_[part]) {
      --left_;
      return true;
    }
    if (++failures_ == kMostFailures) left_ = 0;
    return false;
  }
  return false;
}

}  // namespace apogee
