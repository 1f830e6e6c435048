// Reads the few fields of a JSON response header that a load generator acts on, in one pass and
// without allocation.
#pragma once

#include <cstdint>
#include <string_view>

namespace apogee::bench {

struct ResponseHeader {
  int64_t code = -1;
  int64_t opaque = -1;
  int64_t flag = 0;
  std::string_view remark;         // still JSON-escaped; points into the scanned text
  int64_t next_begin_offset = -1;  // the three below: pull replies only
  int64_t min_offset = -1;
  int64_t max_offset = -1;

  bool is_response() const { return (flag & 1) != 0; }
};

// False when the text is not one JSON object or lacks a code or an opaque. Keys may come in any
// order.
bool ScanResponse(std::string_view text, ResponseHeader* header);

}  // namespace apogee::bench
