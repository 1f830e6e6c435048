#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/store_io.h"

namespace apogee {

// A few retired segments, in a directory of their own, that become new ones: their blocks are
// reserved, so that no device underneath has to find space for them again, and may be written, so
// that the first syncs of a segment need not record them.
//
// Old bytes never come back: a file leaves the pool only when all of it reads as zeros and that is
// on the device, and then its first byte is zero wherever a crash ends the move.
// Thread: any.
class SegmentPool {
 public:
  // `directory` must be on the file system of the segments; `most_files`: how many are kept.
  SegmentPool(StoreIo& io, std::string directory, uint32_t segment_bytes, size_t most_files = 2);

  // Takes over what an earlier run left there; removes what is no whole segment.
  Status Load();
  // Moves the retired file at `path` here, for which nobody holds a mapping. False: it stays there.
  bool Offer(const std::string& path);
  // Zeroes another part of a file, durably: by writing when the blocks are to be `written`, else
  // all of it at once where the file system can. From one thread. Whether there is more to do.
  bool ZeroStep(bool written);
  enum class Taken : uint8_t { kNone, kReserved, kWritten };  // what the blocks are, if any
  // Moves a zeroed file to `path`, durably; `taken` says whether there was one.
  Status Take(const std::string& path, Taken* taken);
  // Gives back the space.
  void Clear();
  size_t size() const;

 private:
  struct Retired {
    std::string name;
    uint64_t zeroed_to = 0;
    bool written = true;
  };
  std::string PathOf(const std::string& name) const { return directory_ + '/' + name; }
  void Drop(const std::string& name);
  Status ZeroPart(Retired* retired, bool written) const;

  StoreIo& io_;
  const std::string directory_;
  const uint32_t segment_bytes_;
  const size_t most_files_;
  mutable std::mutex mutex_;  // guards files_
  std::vector<Retired> files_;
};

}  // namespace apogee
