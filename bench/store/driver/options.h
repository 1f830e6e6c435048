#pragma once

#include <cstdint>
#include <string>

namespace apogee::bench {

enum class System : uint8_t { kEngine, kJavaLike, kDevice };
enum class Load : uint8_t {
  kClosed,     // each sender appends again when its last append is acknowledged
  kPaced,      // groups of 32 at a fixed rate, flush mode async
  kSustained,  // groups of 32 as fast as it goes, flush mode async
  kRetained,   // the same with a log at its limit: an old segment goes for each that is filled
};

struct Options {
  System system = System::kEngine;
  Load load = Load::kClosed;
  bool sync = false;
  std::string write_path = "mapped";
  std::string directory;
  std::string device_stat;  // "" = nobody counts the device's bytes
  int32_t senders = 1;
  int32_t body_bytes = 1024;
  int32_t rate_per_second = 150000;  // kPaced
  uint32_t segment_bytes = 1u << 30;
  uint64_t staging_bytes = 64u << 20;  // of the engine's write paths that have a ring
  // The run ends early when the log has grown as large; not kRetained.
  int64_t max_bytes = int64_t{4} << 30;
  double seconds = 1;
  double warm_up_seconds = 0.2;
  bool list_write_paths = false;
  bool help = false;
};

// Reads the command line. Returns what is wrong with it, empty when nothing is.
std::string ParseOptions(int argc, char** argv, Options* options);
const char* UsageText();

}  // namespace apogee::bench
