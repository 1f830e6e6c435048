#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace apogee {

// A condition on message properties, compiled by lib/filter/sql-program.ts: a straight-line program
// of a stack machine. Its bytes, big-endian:
//
//   version 1 = 1
//   properties 2, each: length 2 | name
//   literals 2, each: type 1 | int, long: 8 | double: 8 | text: length 4, UTF-8
//   instructions 2, each: operation 1 | a 1 | b 2 | c 2
inline constexpr uint8_t kFilterProgramVersion = 1;
inline constexpr size_t kMaxFilterProgramBytes = 65536;
inline constexpr size_t kMaxFilterProperties = 128;
inline constexpr size_t kMaxFilterLiterals = 4096;
inline constexpr size_t kMaxFilterInstructions = 4096;
inline constexpr size_t kMaxFilterStack = 64;

enum class FilterOperation : uint8_t {
  kProperty = 1,  // pushes property b: a text, or null
  kLiteral,       // pushes literal b
  kNull,
  kBoolean,   // pushes a: 0 or 1
  kEqual,     // left, right -> outcome
  kOrder,     // left, right -> outcome; a is a FilterOrder
  kNot,       // outcome -> outcome
  kAnd,       // two outcomes -> outcome, the left one evaluated first
  kOr,        // the same
  kNegated,   // outcome -> null, as Java has a negated condition
  kIn,        // property -> outcome: is one of c texts from literal b on; a = 1: is none
  kIsTrue,    // property -> outcome: never true
  kContains,  // value -> outcome: text b is in it; a = 1: is not
  kStartsWith,
  kEndsWith,
};

enum class FilterOrder : uint8_t { kGreater, kGreaterOrEqual, kLess, kLessOrEqual };
inline constexpr auto kLastFilterOrder = FilterOrder::kLessOrEqual;

// A value on the stack. Outcomes of conditions are kNull, kBoolean, kError and kUnsure.
struct FilterValue {
  enum class Type : uint8_t {
    kNull,
    kInt,  // Java's int; a text beside it is read as one
    kLong,
    kDouble,
    kText,
    kBoolean,
    kError,   // Java's evaluation throws
    kUnsure,  // only Java's own reader of numbers can tell
  };
  Type type = Type::kNull;
  bool literal = false;  // a text of the program's: it is surely UTF-8
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string_view text;  // not owned
};

struct FilterInstruction {
  FilterOperation operation;
  uint8_t a;
  uint16_t b;
  uint16_t c;
};

// A program that was checked: whatever its bytes were, running it stays within the limits and ends.
// Immutable; any thread.
class FilterProgram {
 public:
  FilterProgram() = default;
  FilterProgram(FilterProgram&&) = default;
  FilterProgram& operator=(FilterProgram&&) = default;
  FilterProgram(const FilterProgram&) = delete;
  FilterProgram& operator=(const FilterProgram&) = delete;

  // kInvalidArgument with what is wrong. Copies the bytes.
  static Status Parse(std::span<const uint8_t> bytes, FilterProgram* program);

  const std::vector<std::string_view>& properties() const { return properties_; }
  const std::vector<FilterValue>& literals() const { return literals_; }
  const std::vector<FilterInstruction>& instructions() const { return instructions_; }

 private:
  std::vector<uint8_t> bytes_;
  std::vector<std::string_view> properties_;  // into bytes_, as texts of literals
  std::vector<FilterValue> literals_;
  std::vector<FilterInstruction> instructions_;
};

}  // namespace apogee
