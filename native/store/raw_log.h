#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/offsets.h"
#include "base/status.h"
#include "log/commit_log.h"

namespace apogee {

// The log as bytes, for who keeps a copy of it: records, and what stands behind the last one of a
// segment. Nothing is checked. Thread: any, also beside the removal of segments.
class RawLog {
 public:
  // Most that one ReadAhead reads: a close waits for it.
  static constexpr size_t kMostAheadBytes = 4 << 20;

  // `durable_only`: a copy never has what this store may still lose.
  RawLog(const CommitLog& log, bool durable_only) : log_(log), durable_only_(durable_only) {}

  // Where what may be copied ends; never goes back.
  PhysicalOffset end() const { return durable_only_ ? log_.flushed() : log_.committed(); }
  // See MessageStore::ReadLog.
  Status Read(PhysicalOffset from, std::span<uint8_t> into, size_t* count) const;
  // Waits until the next `bytes` from there on are in memory, as far as there are any.
  void ReadAhead(PhysicalOffset from, size_t bytes) const;

 private:
  const CommitLog& log_;
  const bool durable_only_;
};

}  // namespace apogee
