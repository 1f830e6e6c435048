#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "filter/program.h"

namespace apogee::test {

// Writes big-endian fields one behind the other.
class ByteWriter {
 public:
  ByteWriter& U8(uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  ByteWriter& U16(size_t value) {
    return U8(static_cast<uint8_t>(value >> 8)).U8(static_cast<uint8_t>(value));
  }
  ByteWriter& U32(size_t value) { return U16(value >> 16).U16(value & 0xFFFF); }
  ByteWriter& U64(uint64_t value) { return U32(value >> 32).U32(value & 0xFFFFFFFF); }
  ByteWriter& Text(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  ByteWriter& Bytes(const std::vector<uint8_t>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

// The bytes of a filter program.
class ProgramBytes {
 public:
  ProgramBytes& Property(std::string_view name) {
    properties_.U16(name.size()).Text(name);
    ++property_count_;
    return *this;
  }
  ProgramBytes& Int(int64_t value) { return Number(1, static_cast<uint64_t>(value)); }
  ProgramBytes& Long(int64_t value) { return Number(2, static_cast<uint64_t>(value)); }
  ProgramBytes& Double(double value) { return Number(3, std::bit_cast<uint64_t>(value)); }
  ProgramBytes& Text(std::string_view text) {
    literals_.U8(4).U32(text.size()).Text(text);
    ++literal_count_;
    return *this;
  }
  ProgramBytes& Op(FilterOperation operation, size_t b = 0, uint8_t a = 0, size_t c = 0) {
    instructions_.U8(static_cast<uint8_t>(operation)).U8(a).U16(b).U16(c);
    ++instruction_count_;
    return *this;
  }
  std::vector<uint8_t> Build() const {
    ByteWriter writer;
    writer.U8(kFilterProgramVersion).U16(property_count_).Bytes(properties_.bytes());
    writer.U16(literal_count_).Bytes(literals_.bytes());
    return writer.U16(instruction_count_).Bytes(instructions_.bytes()).bytes();
  }

 private:
  ProgramBytes& Number(uint8_t type, uint64_t bits) {
    literals_.U8(type).U64(bits);
    ++literal_count_;
    return *this;
  }

  ByteWriter properties_;
  ByteWriter literals_;
  ByteWriter instructions_;
  size_t property_count_ = 0;
  size_t literal_count_ = 0;
  size_t instruction_count_ = 0;
};

// A filter set of one byte of bits: filter i, on the topic "T", has the bit i.
inline std::vector<uint8_t> FilterSetBytes(const std::vector<std::vector<uint8_t>>& programs) {
  ByteWriter writer;
  writer.U8(1).U32(1).U32(programs.size());
  for (size_t i = 0; i < programs.size(); ++i)
    writer.U16(1).Text("T").U16(1).U32(i).U32(programs[i].size()).Bytes(programs[i]);
  return writer.bytes();
}

// `property = text`.
inline std::vector<uint8_t> EqualsText(std::string_view property, std::string_view text) {
  return ProgramBytes()
      .Property(property)
      .Text(text)
      .Op(FilterOperation::kProperty)
      .Op(FilterOperation::kLiteral)
      .Op(FilterOperation::kEqual)
      .Build();
}

}  // namespace apogee::test
