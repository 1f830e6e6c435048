#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace apogee::addon {

inline constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
inline constexpr int64_t kMaxInt32 = INT32_MAX;

// Whether `value` is an integer within [min, max], both safe integers; then also gives it.
inline bool ToInteger(double value, int64_t min, int64_t max, int64_t* integer) {
  // Written so that NaN fails; the cast is defined because the range is checked first.
  if (!(value >= static_cast<double>(min) && value <= static_cast<double>(max))) return false;
  *integer = static_cast<int64_t>(value);
  return static_cast<double>(*integer) == value;
}

// The arguments of one call on a hot function, read through plain Node-API. Every reader answers
// whether the argument is what it must be; the first one that is not is remembered in `problem()`.
// Views are valid until the call returns to JavaScript.
class Arguments {
 public:
  static constexpr size_t kMost = 12;

  Arguments(napi_env env, napi_callback_info info, size_t expected);

  bool Integer(size_t index, const char* name, int64_t min, int64_t max, int64_t* value);
  bool Int32(size_t index, const char* name, int32_t min, int32_t* value);
  bool Boolean(size_t index, const char* name, bool* value);
  bool String(size_t index, const char* name, size_t at_most_bytes, std::string* text);  // as UTF-8
  bool Bytes(size_t index, const char* name, std::span<uint8_t>* bytes);
  bool Float64s(size_t index, const char* name, size_t at_least, std::span<double>* cells);
  bool Int32s(size_t index, const char* name, std::span<int32_t>* values);
  bool Uint32s(size_t index, const char* name, std::span<uint32_t>* values);

  // Remembers "`name` is not `expected`" unless another problem came first. Always false.
  bool Refuse(const char* name, const char* expected);

  napi_env env() const { return env_; }
  const std::string& problem() const { return problem_; }

 private:
  bool TypedArray(size_t index, napi_typedarray_type type, void** data, size_t* length);

  const napi_env env_;
  napi_value values_[kMost];
  std::string problem_;
};

}  // namespace apogee::addon
