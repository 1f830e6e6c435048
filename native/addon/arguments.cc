#include "addon/arguments.h"

namespace apogee::addon {

Arguments::Arguments(napi_env env, napi_callback_info info, size_t expected) : env_(env) {
  // Missing arguments come as undefined, which no reader takes.
  size_t count = expected;
  if (napi_get_cb_info(env, info, &count, values_, nullptr, nullptr) != napi_ok)
    problem_ = "no arguments";
}

bool Arguments::Refuse(const char* name, const char* expected) {
  if (problem_.empty()) problem_ = std::string(name) + " is not " + expected;
  return false;
}

bool Arguments::Integer(size_t index, const char* name, int64_t min, int64_t max, int64_t* value) {
  double number = 0;
  if (napi_get_value_double(env_, values_[index], &number) == napi_ok &&
      ToInteger(number, min, max, value)) {
    return true;
  }
  const std::string range = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  return Refuse(name, range.c_str());
}

bool Arguments::Int32(size_t index, const char* name, int32_t min, int32_t* value) {
  int64_t wide = 0;
  if (!Integer(index, name, min, kMaxInt32, &wide)) return false;
  *value = static_cast<int32_t>(wide);
  return true;
}

bool Arguments::Boolean(size_t index, const char* name, bool* value) {
  return napi_get_value_bool(env_, values_[index], value) == napi_ok || Refuse(name, "a boolean");
}

bool Arguments::String(size_t index, const char* name, size_t at_most_bytes, std::string* text) {
  size_t bytes = 0;
  if (napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &bytes) != napi_ok) {
    return Refuse(name, "a string");
  }
  if (bytes > at_most_bytes) {
    return Refuse(name, ("at most " + std::to_string(at_most_bytes) + " bytes long").c_str());
  }
  text->resize(bytes + 1);  // room for the terminating zero
  const bool copied =
      napi_get_value_string_utf8(env_, values_[index], text->data(), bytes + 1, &bytes) == napi_ok;
  text->resize(copied ? bytes : 0);
  return copied || Refuse(name, "a string");
}

bool Arguments::TypedArray(size_t index, napi_typedarray_type type, void** data, size_t* length) {
  napi_typedarray_type actual;
  return napi_get_typedarray_info(env_, values_[index], &actual, length, data, nullptr, nullptr) ==
             napi_ok &&
         actual == type;
}

bool Arguments::Bytes(size_t index, const char* name, std::span<uint8_t>* bytes) {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArray(index, napi_uint8_array, &data, &length)) return Refuse(name, "a Buffer");
  *bytes = {static_cast<uint8_t*>(data), length};
  return true;
}

bool Arguments::Float64s(size_t index, const char* name, size_t at_least,
                         std::span<double>* cells) {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArray(index, napi_float64_array, &data, &length) || length < at_least) {
    return Refuse(name, "a Float64Array of the right size");
  }
  *cells = {static_cast<double*>(data), length};
  return true;
}

bool Arguments::Int32s(size_t index, const char* name, std::span<int32_t>* values) {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArray(index, napi_int32_array, &data, &length)) return Refuse(name, "an Int32Array");
  *values = {static_cast<int32_t*>(data), length};
  return true;
}

bool Arguments::Uint32s(size_t index, const char* name, std::span<uint32_t>* values) {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArray(index, napi_uint32_array, &data, &length)) return Refuse(name, "a Uint32Array");
  *values = {static_cast<uint32_t*>(data), length};
  return true;
}

}  // namespace apogee::addon
