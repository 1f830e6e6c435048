#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace apogee {

// Takes fields off the front of bytes. After the first that is not there everything reads as 0, and
// ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return left_.size(); }
  uint8_t U8() { return Has(1) ? *Take(1).data() : uint8_t{0}; }
  uint16_t U16() { return Has(2) ? LoadBe16(Take(2).data()) : uint16_t{0}; }
  uint32_t U32() { return Has(4) ? LoadBe32(Take(4).data()) : 0; }
  uint64_t U64() { return Has(8) ? LoadBe64(Take(8).data()) : 0; }
  std::span<const uint8_t> Bytes(size_t count) {
    return Has(count) ? Take(count) : std::span<const uint8_t>();
  }
  std::string_view Text(size_t count) {
    const auto bytes = Bytes(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  bool Has(size_t count) {
    if (count > left_.size()) ok_ = false;
    return ok_;
  }
  std::span<const uint8_t> Take(size_t count) {
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }

  std::span<const uint8_t> left_;
  bool ok_ = true;
};

}  // namespace apogee
