#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "format/checkpoint_layout.h"
#include "io/store_io.h"

namespace apogee {

// The checkpoint file of an open store. Thread: one at a time.
class Checkpoint {
 public:
  // Opens or creates it. A file of the wrong size is brought to the right one; what it lacks reads
  // as 0.
  Status Open(StoreIo& io, const std::string& root);

  const CheckpointTimes& times() const { return times_; }
  // Durable when it returns ok. Nothing is written when nothing changed.
  Status Write(const CheckpointTimes& times);

 private:
  std::unique_ptr<StoreFile> file_;
  CheckpointTimes times_;
};

}  // namespace apogee
