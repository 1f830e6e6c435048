#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/store_io.h"
#include "log/mapped_file.h"

namespace apogee {

// Writes real zeros into a segment in front of the committer, whose syncs then need not record new
// blocks: half the device writes of each.
//
// Thread: BeforeWrite from the committer, Step from the preparer. Never overwrites what the
// committer wrote: a part is claimed first, behind all it has said it will write, and who wants to
// write into a claimed part waits for that one step.
class ZeroAhead {
 public:
  // `direct_io`: the committer writes past the page cache, and nothing may be dirty in there.
  ZeroAhead(StoreIo& io, bool direct_io) : io_(io), direct_io_(direct_io) {}

  void Begin(int64_t end) { committing_to_ = end; }  // before both threads
  void BeforeWrite(int64_t end);
  // Zeroes [from, to) of `file` as far as the committer is not there yet, and syncs that through a
  // descriptor of its own: an error of the committer's file must be told to nobody else.
  Status Step(const MappedFile& file, int64_t from, int64_t to);

 private:
  Status Write(const MappedFile& file, int64_t from, int64_t to);

  Status OpenFile(const std::string& path);

  StoreIo& io_;
  const bool direct_io_;
  std::mutex mutex_;  // guards committing_to_, claimed_from_, claimed_to_
  std::condition_variable done_;
  int64_t committing_to_ = 0;
  int64_t claimed_from_ = 0;
  int64_t claimed_to_ = 0;  // equal: nothing claimed
  // Preparer.
  std::unique_ptr<StoreFile> file_;
  std::string path_;
  struct alignas(kDirectBytes) Page {
    uint8_t bytes[kDirectBytes];
  };
  std::vector<Page> zeros_;
};

}  // namespace apogee
