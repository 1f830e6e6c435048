#include "options.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "log/staging_ring.h"

namespace apogee::bench {
namespace {

constexpr int64_t kMaxSenders = 65536;
constexpr int64_t kMaxBodyBytes = 4 << 20;
constexpr int64_t kMaxRate = 100000000;
constexpr int64_t kMaxSegmentBytes = 0x7fffffff;
constexpr int64_t kMaxLogBytes = int64_t{1} << 40;
constexpr double kMaxSeconds = 3600;

template <typename Number>
bool ParseInt(const std::string& text, int64_t low, int64_t high, Number* into) {
  errno = 0;
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0 || value < low || value > high) return false;
  *into = static_cast<Number>(value);
  return true;
}

bool ParseSeconds(const std::string& text, double low, double* into) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= low && value <= kMaxSeconds)) return false;
  *into = value;
  return true;
}

bool ParseSystem(std::string_view text, System* into) {
  *into = text == "java-like" ? System::kJavaLike
          : text == "device"  ? System::kDevice
                              : System::kEngine;
  return text == "apogee-engine" || *into != System::kEngine;
}

bool ParseLoad(std::string_view text, Load* into) {
  *into = text == "paced"       ? Load::kPaced
          : text == "sustained" ? Load::kSustained
          : text == "retained"  ? Load::kRetained
                                : Load::kClosed;
  return text == "closed" || *into != Load::kClosed;
}

std::string Apply(const std::string& name, const std::string& value, Options* o) {
  bool ok = true;
  if (name == "--system") {
    ok = ParseSystem(value, &o->system);
  } else if (name == "--load") {
    ok = ParseLoad(value, &o->load);
  } else if (name == "--flush") {
    o->sync = value == "sync";
    ok = o->sync || value == "async";
  } else if (name == "--write-path") {
    o->write_path = value;
  } else if (name == "--directory") {
    o->directory = value;
  } else if (name == "--device-stat") {
    o->device_stat = value;
  } else if (name == "--senders") {
    ok = ParseInt(value, 1, kMaxSenders, &o->senders);
  } else if (name == "--body") {
    ok = ParseInt(value, 1, kMaxBodyBytes, &o->body_bytes);
  } else if (name == "--rate") {
    ok = ParseInt(value, 1, kMaxRate, &o->rate_per_second);
  } else if (name == "--segment-bytes") {
    ok = ParseInt(value, 1 << 20, kMaxSegmentBytes, &o->segment_bytes);
  } else if (name == "--staging-bytes") {
    ok = ParseInt(value, kLeastStagingBytes, kMostStagingBytes, &o->staging_bytes);
  } else if (name == "--max-bytes") {
    ok = ParseInt(value, 1 << 20, kMaxLogBytes, &o->max_bytes);
  } else if (name == "--seconds") {
    ok = ParseSeconds(value, 0.01, &o->seconds);
  } else if (name == "--warm-up") {
    ok = ParseSeconds(value, 0, &o->warm_up_seconds);
  } else {
    return "unknown option " + name;
  }
  return ok ? std::string() : "the value of " + name + " is not allowed: " + value;
}

}  // namespace

std::string ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--list-write-paths") {
      options->list_write_paths = true;
    } else if (name == "--help") {
      options->help = true;
    } else if (i + 1 == argc) {
      return "option " + name + " is unknown or lacks its value";
    } else if (std::string wrong = Apply(name, argv[++i], options); !wrong.empty()) {
      return wrong;
    }
  }
  if (options->help || options->list_write_paths) return {};
  if (options->directory.empty()) return "--directory is required";
  if (options->sync && options->load != Load::kClosed) return "only --load closed has --flush sync";
  return {};
}

const char* UsageText() {
  return "usage: store_driver --directory DIR [options]; prints one JSON object\n"
         "  --system NAME                       apogee-engine, java-like, device (apogee-engine)\n"
         "  --write-path NAME                   of the engine (mapped)\n"
         "  --flush async|sync                  when an append is acknowledged (async)\n"
         "  --load closed|paced|sustained|retained\n"
         "                                      closed loop of senders, fixed rate, as fast as it "
         "goes,\n"
         "                                      the same with old segments deleted (closed)\n"
         "  --senders N --body BYTES            (1, 1024)\n"
         "  --rate N                            messages/s of --load paced (150000)\n"
         "  --seconds S --warm-up S             measured, and unmeasured before (1, 0.2)\n"
         "  --segment-bytes N                   size of a log file (1 GiB)\n"
         "  --staging-bytes N                   memory of staged, pool and direct (64 MiB)\n"
         "  --max-bytes N                       ends early when the log is as large (4 GiB)\n"
         "  --device-stat FILE                  the stat file of the block device in /sys\n"
         "  --list-write-paths                  what --write-path takes, as JSON\n";
}

}  // namespace apogee::bench
