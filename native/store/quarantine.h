#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/offsets.h"
#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// Damaged bytes of the log with good records behind them: kept where they are, never read as
// messages.
struct DamagedRange {
  PhysicalOffset from;
  PhysicalOffset to;
  std::string reason;  // plain text without quotes or backslashes
};

// Ranges ascending and apart from each other.
class Quarantine {
 public:
  // Merges with what it touches.
  void Add(DamagedRange range);
  bool Holds(PhysicalOffset offset) const {
    if (ranges_.empty()) return false;
    return FindHolding(offset) != nullptr;
  }
  // The end of the range that holds `offset`, or `offset` itself.
  PhysicalOffset Behind(PhysicalOffset offset) const;
  const std::vector<DamagedRange>& ranges() const { return ranges_; }

 private:
  const DamagedRange* FindHolding(PhysicalOffset offset) const;

  std::vector<DamagedRange> ranges_;
};

// Adds `found` to ROOT/quarantine.json, which lists every range ever found and still in the log,
// and replaces the file in one step. What it had stays as it is; what is not ours in it is dropped.
Status WriteQuarantine(StoreIo& io, const std::string& root, PhysicalOffset log_min, int64_t now_ms,
                       const std::vector<DamagedRange>& found);

}  // namespace apogee
