#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/store_harness.h"

namespace apogee::test {

// One way in which records get into the log.
struct Way {
  std::string_view name;
  FlushMode mode;
  WritePath path;
  bool direct_io = false;
};

inline constexpr Way kWays[] = {
    {"MappedAsync", FlushMode::kAsync, WritePath::kMapped},
    {"MappedSync", FlushMode::kSync, WritePath::kMapped},
    {"StagedAsync", FlushMode::kAsync, WritePath::kStaged},
    {"StagedSync", FlushMode::kSync, WritePath::kStaged},
    {"StagedDirect", FlushMode::kSync, WritePath::kStaged, true},
    {"StagedDirectAsync", FlushMode::kAsync, WritePath::kStaged, true},
    {"Pool", FlushMode::kAsync, WritePath::kPool},
    {"PoolDirect", FlushMode::kAsync, WritePath::kPool, true},
};

inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

// A store with small segments and the smallest ring.
class StoreWith : public StoreHarness {
 public:
  explicit StoreWith(const Way& way, StoreIo* over = nullptr);

  PhysicalOffset PutFlushed(const std::string& body);
  // Everything appended is on the device.
  void Flush();
  // Names of the log's files, oldest first.
  std::vector<std::string> Segments() const;
  // What stands in them, one behind the other.
  std::string LogBytes() const;
};

// A body that begins with its number.
std::string Body(int number, size_t size_bytes);
// Many rolls, single messages and batches, several times around the ring.
void WriteMuch(StoreWith& store);

}  // namespace apogee::test
