#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend.h"
#include "options.h"

namespace apogee::bench {

// The least that any log could do on this machine: one thread, a plain file, one write for each
// group, no record format, no readers. What it reaches bounds all others that go through the page
// cache.
//
// Sync: the group, padded to whole pages, is written over blocks that were written before, then
// fdatasync; when the file ends it goes on at its begin. Async: the group is written into a fresh
// file whose blocks were reserved, and nothing else; the next file is made when one is full.
class DeviceBackend final : public Backend {
 public:
  explicit DeviceBackend(const Options& options) : options_(options) {}
  ~DeviceBackend() override;

  std::string Open() override;
  std::string Append(std::span<const Body> bodies, int64_t* end) override;
  void RequestFlush(int64_t /*end*/) override {}  // the same thread waits, and flushes then
  int64_t flushed() const override { return flushed_; }
  std::string WaitFlushed(int64_t below) override;
  std::string Close() override { return {}; }

 private:
  std::string NextFile();
  std::string FillWithZeros();
  std::string Write(std::span<const uint8_t> group);

  const Options options_;
  std::vector<int> files_;  // the last one is written
  std::vector<uint8_t> group_;
  int64_t position_ = 0;  // in that file
  int64_t appended_ = 0;
  int64_t flushed_ = 0;
};

}  // namespace apogee::bench
