#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "io/store_io.h"
#include "store/retention_options.h"

namespace apogee {

// How full the file systems of log and root are, and whether appends must stop.
//
// Thread: Look from one; the rest from any.
class SpaceGuard {
 public:
  enum class Pressure : uint8_t { kNone, kClean, kForced };

  SpaceGuard(StoreIo& io, std::string log_directory, std::string root)
      : io_(io), log_directory_(std::move(log_directory)), root_(std::move(root)) {}

  // Asks both. One that cannot be asked keeps what was known of it: no reason to delete or refuse.
  // Returns whether appends are refused from now on and were not, or the reverse.
  bool Look(const RetentionOptions& options);

  bool refuses() const { return refuses_.load(std::memory_order_acquire); }
  // Why, for example "disk 91 % used, limit 90 %"; empty while appends are taken.
  std::string refusal() const;
  Pressure pressure() const { return pressure_.load(std::memory_order_acquire); }
  // Fills in the ratios, free_bytes and refusal.
  void Describe(RetentionStats* stats) const;

 private:
  struct Use {
    double ratio = -1;
    uint64_t free_bytes = 0;
  };
  void Ask(const std::string& directory, Use* use);

  StoreIo& io_;
  const std::string log_directory_;
  const std::string root_;
  mutable std::mutex mutex_;  // guards log_, root_use_, refusal_
  Use log_;
  Use root_use_;
  std::string refusal_;
  std::atomic<bool> refuses_{false};
  std::atomic<Pressure> pressure_{Pressure::kNone};
};

}  // namespace apogee
