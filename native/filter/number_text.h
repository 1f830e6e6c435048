#pragma once

#include <cstdint>
#include <string_view>

namespace apogee {

// How Java reads a number in a text (UTF-8).
enum class NumberText : uint8_t {
  kNumber,
  kNone,    // Java throws
  kUnsure,  // it may be one, in a form that is not read here: digits of other scripts, exponents,
            // hexadecimal, NaN, infinities, more than 15 digits with a fraction
};

// Integer.valueOf with min and max of int, Long.valueOf with those of long.
NumberText ReadInteger(std::string_view text, int64_t min, int64_t max, int64_t* value);
// Double.valueOf.
NumberText ReadDouble(std::string_view text, double* value);
// Double.compare: below, equal to or above 0. NaN is above all, 0 above -0.
int CompareDoubles(double left, double right);

}  // namespace apogee
