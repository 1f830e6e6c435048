#include "log/staging_ring.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <string>

#include "io/store_io.h"

namespace apogee {

Status StagingRing::Open(uint64_t size_bytes) {
  if (size_bytes > kMostStagingBytes) {
    return Status::Error(StatusCode::kInvalidArgument,
                         "a staging ring of " + std::to_string(size_bytes) + " bytes");
  }
  const uint64_t rounded = std::bit_ceil(std::max<uint64_t>(size_bytes, kLeastStagingBytes));
  APOGEE_RETURN_IF_ERROR(MirroredMemory::Map(rounded, &memory_));
  mask_ = static_cast<int64_t>(rounded) - 1;
  return Status::Ok();
}

void StagingRing::Begin(int64_t offset, std::span<const uint8_t> page) {
  const auto before = static_cast<int64_t>(page.size());
  if (!page.empty()) std::memcpy(At(offset - before), page.data(), page.size());
  gave_up_at_ = -1;
  begin_ = offset;
  reserved_.store(offset, std::memory_order_release);
  released_.store(offset, std::memory_order_release);
}

// The page that the committer writes again is not to be had.
uint32_t StagingRing::most_bytes() const { return size() - kDirectBytes; }

bool StagingRing::ReleasedFits(int64_t end) const {
  const int64_t released = released_.load(std::memory_order_seq_cst);
  return end - (released - released % kDirectBytes) <= static_cast<int64_t>(memory_->size());
}

bool StagingRing::Fits(int64_t end) {
  if (!ReleasedFits(end)) return false;
  if (end > reserved_.load(std::memory_order_relaxed)) {
    reserved_.store(end, std::memory_order_seq_cst);
  }
  return std::ranges::none_of(pins_, [&](const std::atomic<int64_t>& pin) {
    const int64_t from = pin.load(std::memory_order_seq_cst);
    return from != kNoPin && end - from > static_cast<int64_t>(memory_->size());
  });
}

Status StagingRing::Reserve(int64_t from, uint32_t bytes) {
  const int64_t end = from + bytes;
  if (Fits(end)) return Status::Ok();
  const auto busy = [&] {
    return Status::Error(StatusCode::kBusy,
                         "the staging ring is full: the device does not keep up");
  };
  if (gave_up_at_ == released()) return busy();
  if (on_full_) on_full_();
  std::unique_lock lock(mutex_);
  waiting_.store(true, std::memory_order_seq_cst);
  const bool ready = room_.wait_for(lock, std::chrono::milliseconds(wait_ms_),
                                    [&] { return !failure_.ok() || Fits(end); });
  waiting_.store(false, std::memory_order_relaxed);
  if (!failure_.ok()) return failure_;
  gave_up_at_ = ready || ReleasedFits(end) ? -1 : released();
  return ready ? Status::Ok() : busy();
}

StagingRing::Pin StagingRing::PinFrom(int64_t from) {
  // With half the ring in front of it the appender hardly ever comes to wait for a pin. Asked first
  // as well, since even a pin that is then refused would stop the appender.
  const auto near = [&](std::memory_order order) {
    return reserved_.load(order) - from <= static_cast<int64_t>(memory_->size() / 2);
  };
  if (from < begin_ || !near(std::memory_order_relaxed)) return {};
  for (std::atomic<int64_t>& place : pins_) {
    int64_t expected = kNoPin;
    if (!place.compare_exchange_strong(expected, from, std::memory_order_seq_cst)) continue;
    Pin pin(this, &place);
    return near(std::memory_order_seq_cst) ? std::move(pin) : Pin();
  }
  return {};
}

void StagingRing::Unpin(std::atomic<int64_t>* pin) {
  pin->store(kNoPin, std::memory_order_seq_cst);
  TellAppender();
}

void StagingRing::Release(int64_t offset) {
  released_.store(offset, std::memory_order_seq_cst);
  TellAppender();
}

void StagingRing::TellAppender() {
  if (!waiting_.load(std::memory_order_seq_cst)) return;
  { const std::lock_guard lock(mutex_); }
  room_.notify_one();
}

void StagingRing::Fail(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = Status::Error(StatusCode::kReadOnly, status.ToString(), status.error_number());
  }
  room_.notify_one();
}

}  // namespace apogee
