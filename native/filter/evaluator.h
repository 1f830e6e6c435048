#pragma once

#include <cstdint>
#include <span>

#include "filter/program.h"

namespace apogee {

// Whether a message passes a filter.
enum class FilterVerdict : uint8_t {
  kNo,  // surely: Java's evaluation gives false or null, or throws
  kYes,
  kUnsure,  // depends on a number in a form that is not read here, see NumberText
};

// `properties`: stored text, `name 01 value` split by 02; of equal names the last counts. Allocates
// nothing. Any thread.
FilterVerdict EvaluateFilter(const FilterProgram& program, std::span<const uint8_t> properties);

}  // namespace apogee
