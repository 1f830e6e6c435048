#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "log/commit_log.h"
#include "store/quarantine.h"
#include "store/record_checksums.h"

namespace apogee {

// Looks at the records of old bytes that are about to be copied to somebody who does not judge
// them: their CRC, and the checksums of what that does not cover. What is damaged is told, and
// added to ROOT/quarantine.json. The bytes are copied all the same: a copy stays one of this log.
//
// Thread: any; SetKnown before all.
class CopyCheck {
 public:
  CopyCheck(StoreIo& io, const Clock& clock, std::string root, const CommitLog& log,
            const RecordChecksums& checksums)
      : io_(io), clock_(clock), root_(std::move(root)), log_(log), checksums_(checksums) {}

  // Damage that was told of when the store opened.
  void SetKnown(const Quarantine& known) { known_ = known; }
  // At the records that begin in [from, to), which must be in their segments. `from` need not be
  // where one begins: what an earlier call has looked at tells where, else the first good one is
  // found.
  void Look(PhysicalOffset from, PhysicalOffset to);
  // What was found since the last call.
  std::vector<DamagedRange> Take();

 private:
  // What begins from `begin` on was looked at up to `end`, where a record ends or damage.
  struct Looked {
    PhysicalOffset begin;
    PhysicalOffset end{-1};
  };
  static constexpr size_t kRemembered = 8;
  static constexpr size_t kMostTold = 1000;  // more is in the file only
  static constexpr int64_t kNear = 8 << 20;  // worth looking at twice for a known beginning

  PhysicalOffset BeginAt(PhysicalOffset from, PhysicalOffset to) const;
  PhysicalOffset LookAt(PhysicalOffset at, PhysicalOffset to, Quarantine* found) const;
  void Keep(const Quarantine& found);

  StoreIo& io_;
  const Clock& clock_;
  const std::string root_;
  const CommitLog& log_;
  const RecordChecksums& checksums_;
  std::mutex file_mutex_;     // of quarantine.json
  mutable std::mutex mutex_;  // guards all below; for short, the event loop takes it
  Quarantine known_;
  std::vector<DamagedRange> found_;
  std::array<Looked, kRemembered> looked_;
  size_t next_looked_ = 0;
};

}  // namespace apogee
