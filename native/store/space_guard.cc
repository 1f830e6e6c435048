#include "store/space_guard.h"

#include <algorithm>
#include <cmath>

namespace apogee {
namespace {

std::string Number(double percent) {
  const auto tenths = static_cast<int64_t>(std::floor(percent * 10));
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += '.' + std::to_string(tenths % 10);
  return text;
}

}  // namespace

void SpaceGuard::Ask(const std::string& directory, Use* use) {
  SpaceInfo space;
  if (!io_.Space(directory, &space).ok() || space.used_bytes + space.free_bytes == 0) return;
  const auto used = static_cast<double>(space.used_bytes);
  use->ratio = used / (used + static_cast<double>(space.free_bytes));
  use->free_bytes = space.free_bytes;
}

bool SpaceGuard::Look(const RetentionOptions& options) {
  Use log = log_;
  Use root = root_use_;
  Ask(log_directory_, &log);
  Ask(root_, &root);
  const double percent = std::max(log.ratio, root.ratio) * 100;
  Pressure pressure = Pressure::kNone;
  if (percent > options.clean_percent) pressure = Pressure::kClean;
  if (percent > options.forced_percent) pressure = Pressure::kForced;
  std::string refusal;
  for (const Use* use : {&log, &root}) {
    if (use->ratio < 0 || !refusal.empty()) continue;
    const std::string& where = use == &log ? log_directory_ : root_;
    if (use->ratio * 100 > options.refuse_percent) {
      refusal = "disk " + Number(use->ratio * 100) + " % used, limit " +
                Number(options.refuse_percent) + " % (" + where + ')';
    } else if (use->free_bytes < options.min_free_bytes) {
      refusal = "disk has " + std::to_string(use->free_bytes) + " bytes free, limit " +
                std::to_string(options.min_free_bytes) + " (" + where + ')';
    }
  }
  const std::lock_guard lock(mutex_);
  log_ = log;
  root_use_ = root;
  const bool changed = refusal.empty() != refusal_.empty();
  refusal_ = std::move(refusal);
  pressure_.store(pressure, std::memory_order_release);
  refuses_.store(!refusal_.empty(), std::memory_order_release);
  return changed;
}

std::string SpaceGuard::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

void SpaceGuard::Describe(RetentionStats* stats) const {
  const std::lock_guard lock(mutex_);
  stats->log_used_ratio = log_.ratio;
  stats->root_used_ratio = root_use_.ratio;
  stats->free_bytes = std::min(log_.free_bytes, root_use_.free_bytes);
  stats->refusal = refusal_;
}

}  // namespace apogee
