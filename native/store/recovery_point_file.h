#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "format/recovery_point.h"
#include "io/store_io.h"
#include "log/commit_log.h"

namespace apogee {

// The file "recovery-point" of an open store. Thread: one at a time.
class RecoveryPointFile {
 public:
  // Opens or creates it and reads both slots. A failure costs only time at the next start: it may
  // be passed over, and Write then answers it.
  Status Open(StoreIo& io, const std::string& root);

  // The newest point that was written together with these times and speaks of this log.
  std::optional<RecoveryPoint> Find(const CommitLog& log, const CheckpointTimes& times) const;

  // Gives the point its sequence number and writes it over the older slot. Durable when it returns
  // ok; before, the newer slot is still whole.
  Status Write(RecoveryPoint point);

 private:
  Status Read(uint32_t slot);

  std::unique_ptr<StoreFile> file_;
  std::array<std::optional<RecoveryPoint>, kRecoveryPointSlots> slots_;
  uint64_t sequence_ = 0;  // the highest seen
  Status failure_;
};

}  // namespace apogee
