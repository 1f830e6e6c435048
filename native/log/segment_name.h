#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace apogee {

// 20 decimal digits, the name of the file that starts at `offset`.
std::string SegmentName(int64_t offset);
// The start offset a file's name stands for, or -1 when the name is no such file's.
int64_t ParseSegmentName(std::string_view name);

}  // namespace apogee
