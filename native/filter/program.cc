#include "filter/program.h"

#include <array>
#include <bit>
#include <string>

#include "filter/byte_reader.h"

namespace apogee {
namespace {

constexpr size_t kLeastPropertyBytes = 3;
constexpr size_t kLeastLiteralBytes = 5;
constexpr size_t kInstructionBytes = 6;
constexpr uint8_t kIntLiteral = 1;
constexpr uint8_t kLongLiteral = 2;
constexpr uint8_t kDoubleLiteral = 3;
constexpr uint8_t kTextLiteral = 4;

Status Refused(const std::string& why) {
  return Status::Error(StatusCode::kInvalidArgument, "filter program: " + why);
}

// How many of something follow, at most `most`, each of at least `least_bytes`.
Status ReadCount(ByteReader& reader, const char* what, size_t most, size_t least_bytes,
                 size_t* count) {
  *count = reader.U16();
  if (*count > most) return Refused(std::string("too many ") + what);
  if (!reader.ok() || *count * least_bytes > reader.left()) return Refused("it ends early");
  return Status::Ok();
}

Status ReadLiteral(ByteReader& reader, FilterValue* value) {
  value->literal = true;
  switch (reader.U8()) {
    case kIntLiteral:
      value->type = FilterValue::Type::kInt;
      value->integer = static_cast<int64_t>(reader.U64());
      break;
    case kLongLiteral:
      value->type = FilterValue::Type::kLong;
      value->integer = static_cast<int64_t>(reader.U64());
      break;
    case kDoubleLiteral:
      value->type = FilterValue::Type::kDouble;
      value->number = std::bit_cast<double>(reader.U64());
      break;
    case kTextLiteral:
      value->type = FilterValue::Type::kText;
      value->text = reader.Text(reader.U32());
      break;
    default:
      return Refused("a literal of no known type");
  }
  return reader.ok() ? Status::Ok() : Refused("it ends early");
}

// Goes through the instructions as running them would, with what is known of each value before.
class Checker {
 public:
  explicit Checker(const FilterProgram& program) : program_(program) {}

  Status Check() {
    for (const FilterInstruction& instruction : program_.instructions())
      APOGEE_RETURN_IF_ERROR(Step(instruction));
    if (depth_ != 1 || stack_[0] != Known::kOutcome) return Refused("it leaves no one outcome");
    return Status::Ok();
  }

 private:
  enum class Known : uint8_t { kValue, kProperty, kOutcome };

  Status Step(const FilterInstruction& it) {
    switch (it.operation) {
      case FilterOperation::kProperty:
        if (it.b >= program_.properties().size()) return Refused("there is no such property");
        return Push(Known::kProperty);
      case FilterOperation::kLiteral:
        if (it.b >= program_.literals().size()) return Refused("there is no such literal");
        return Push(Known::kValue);
      case FilterOperation::kNull:
        return Push(Known::kOutcome);
      case FilterOperation::kBoolean:
        return it.a > 1 ? Refused("a boolean is 0 or 1") : Push(Known::kOutcome);
      case FilterOperation::kOrder:
        if (it.a > static_cast<uint8_t>(kLastFilterOrder)) return Refused("there is no such order");
        [[fallthrough]];
      case FilterOperation::kEqual:
        if (depth_ < 2) return Refused("a value is missing");
        depth_ -= 2;
        return Push(Known::kOutcome);
      case FilterOperation::kAnd:
      case FilterOperation::kOr:
        if (depth_ < 2 || stack_[depth_ - 1] != Known::kOutcome ||
            stack_[depth_ - 2] != Known::kOutcome) {
          return Refused("an outcome is missing");
        }
        --depth_;
        return Status::Ok();
      case FilterOperation::kNot:
      case FilterOperation::kNegated:
        return Top(Known::kOutcome) ? Status::Ok() : Refused("an outcome is missing");
      case FilterOperation::kIn:
        if (!AreTexts(it.b, it.c)) return Refused("there are no such texts");
        [[fallthrough]];
      case FilterOperation::kIsTrue:
        if (!Top(Known::kProperty)) return Refused("a property is missing");
        stack_[depth_ - 1] = Known::kOutcome;
        return Flag(it);
      case FilterOperation::kContains:
      case FilterOperation::kStartsWith:
      case FilterOperation::kEndsWith:
        if (!AreTexts(it.b, 1)) return Refused("there is no such text");
        if (depth_ == 0) return Refused("a value is missing");
        stack_[depth_ - 1] = Known::kOutcome;
        return Flag(it);
    }
    return Refused("there is no such operation");
  }

  static Status Flag(const FilterInstruction& it) {
    return it.a > 1 ? Refused("a negation is 0 or 1") : Status::Ok();
  }

  bool Top(Known known) const { return depth_ > 0 && stack_[depth_ - 1] == known; }

  bool AreTexts(size_t first, size_t count) const {
    if (first + count > program_.literals().size()) return false;
    for (size_t i = first; i < first + count; ++i)
      if (program_.literals()[i].type != FilterValue::Type::kText) return false;
    return true;
  }

  Status Push(Known known) {
    if (depth_ == kMaxFilterStack) return Refused("its stack is too deep");
    stack_[depth_++] = known;
    return Status::Ok();
  }

  const FilterProgram& program_;
  std::array<Known, kMaxFilterStack> stack_{};
  size_t depth_ = 0;
};

}  // namespace

Status FilterProgram::Parse(std::span<const uint8_t> bytes, FilterProgram* program) {
  if (bytes.size() > kMaxFilterProgramBytes) return Refused("it is too large");
  FilterProgram parsed;
  parsed.bytes_.assign(bytes.begin(), bytes.end());
  ByteReader reader(parsed.bytes_);
  if (reader.U8() != kFilterProgramVersion) return Refused("its version is unknown");
  size_t count = 0;
  APOGEE_RETURN_IF_ERROR(
      ReadCount(reader, "properties", kMaxFilterProperties, kLeastPropertyBytes, &count));
  parsed.properties_.resize(count);
  for (std::string_view& name : parsed.properties_) {
    name = reader.Text(reader.U16());
    if (!reader.ok()) return Refused("it ends early");
    if (name.empty()) return Refused("a property without a name");
  }
  APOGEE_RETURN_IF_ERROR(
      ReadCount(reader, "literals", kMaxFilterLiterals, kLeastLiteralBytes, &count));
  parsed.literals_.resize(count);
  for (FilterValue& literal : parsed.literals_)
    APOGEE_RETURN_IF_ERROR(ReadLiteral(reader, &literal));
  APOGEE_RETURN_IF_ERROR(
      ReadCount(reader, "instructions", kMaxFilterInstructions, kInstructionBytes, &count));
  parsed.instructions_.resize(count);
  for (FilterInstruction& instruction : parsed.instructions_) {
    instruction.operation = static_cast<FilterOperation>(reader.U8());
    instruction.a = reader.U8();
    instruction.b = reader.U16();
    instruction.c = reader.U16();
  }
  if (reader.left() > 0) return Refused("bytes follow it");
  APOGEE_RETURN_IF_ERROR(Checker(parsed).Check());
  *program = std::move(parsed);
  return Status::Ok();
}

}  // namespace apogee
