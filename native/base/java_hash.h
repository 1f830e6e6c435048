#pragma once

#include <cstdint>
#include <string_view>

namespace apogee {

// Java's String.hashCode of the text that `utf8` decodes to: h = 31 * h + unit over its UTF-16
// units, wrapping. Malformed bytes count as U+FFFD, one for each maximal ill-formed part, as Java
// decodes them. Tag codes and index hashes are made of it; widen to int64_t for a tag code.
int32_t JavaHashCode(std::string_view utf8);

}  // namespace apogee
