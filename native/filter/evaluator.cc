#include "filter/evaluator.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "filter/number_text.h"

namespace apogee {
namespace {

using Type = FilterValue::Type;
constexpr char kNameValueSeparator = 1;
constexpr char kPropertySeparator = 2;
// How `Boolean < number` and the like come out of Java's comparison.
constexpr int kUnlike = -1;

FilterValue Of(Type type) { return {.type = type}; }
FilterValue Of(bool holds) { return {.type = Type::kBoolean, .boolean = holds}; }
bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Left against right by a number below, equal to or above 0; otherwise what came of it.
struct Compared {
  int order = 0;
  Type instead = Type::kBoolean;  // kError, kUnsure: there is no order
};
Compared Without(Type instead) { return {.instead = instead}; }

// A text becomes a number of the type of what it is compared with.
Type ToNumber(std::string_view text, Type type, FilterValue* number) {
  NumberText read = NumberText::kNone;
  *number = Of(type);
  if (type == Type::kDouble) {
    read = ReadDouble(text, &number->number);
  } else if (type == Type::kInt) {
    read = ReadInteger(text, INT32_MIN, INT32_MAX, &number->integer);
  } else {
    read = ReadInteger(text, INT64_MIN, INT64_MAX, &number->integer);
  }
  if (read == NumberText::kNumber) return type;
  return read == NumberText::kNone ? Type::kError : Type::kUnsure;
}

Compared CompareNumbers(const FilterValue& left, const FilterValue& right) {
  if (left.type != Type::kDouble && right.type != Type::kDouble)
    return {left.integer < right.integer ? -1 : int{left.integer > right.integer}};
  const auto widened = [](const FilterValue& value) {
    return value.type == Type::kDouble ? value.number : static_cast<double>(value.integer);
  };
  return {CompareDoubles(widened(left), widened(right))};
}

Compared CompareTexts(const FilterValue& left, const FilterValue& right) {
  if (left.text == right.text) return {0};
  // Bytes that are no UTF-8 read as replacement characters: other bytes, but maybe one text.
  const bool decided = left.literal || right.literal || IsAscii(left.text) || IsAscii(right.text);
  return decided ? Compared{left.text < right.text ? -1 : 1} : Without(Type::kUnsure);
}

bool IsTrueText(std::string_view text) {
  constexpr std::string_view kTrue = "true";
  return std::ranges::equal(text, kTrue, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// Neither is null, an error or unsure.
Compared Compare(const FilterValue& left, const FilterValue& right) {
  FilterValue number;
  if (left.type == Type::kBoolean) {
    if (right.type == Type::kBoolean) return {int{left.boolean} - int{right.boolean}};
    return right.type == Type::kText ? Without(Type::kError) : Compared{kUnlike};
  }
  if (left.type == Type::kText) {
    if (right.type == Type::kText) return CompareTexts(left, right);
    if (right.type == Type::kBoolean) return {int{IsTrueText(left.text)} - int{right.boolean}};
    const Type read = ToNumber(left.text, right.type, &number);
    return read == right.type ? CompareNumbers(number, right) : Without(read);
  }
  if (right.type == Type::kBoolean) return {kUnlike};
  if (right.type != Type::kText) return CompareNumbers(left, right);
  const Type read = ToNumber(right.text, left.type, &number);
  return read == left.type ? CompareNumbers(left, number) : Without(read);
}

// Two texts have an order as doubles.
Compared CompareByOrder(const FilterValue& left, const FilterValue& right) {
  if (left.type != Type::kText || right.type != Type::kText) return Compare(left, right);
  FilterValue first;
  FilterValue second;
  const Type left_read = ToNumber(left.text, Type::kDouble, &first);
  const Type right_read = ToNumber(right.text, Type::kDouble, &second);
  if (left_read == Type::kError || right_read == Type::kError) return Without(Type::kError);
  if (left_read == Type::kUnsure || right_read == Type::kUnsure) return Without(Type::kUnsure);
  return CompareNumbers(first, second);
}

bool IsUndecided(const FilterValue& value) {
  return value.type == Type::kError || value.type == Type::kUnsure;
}

FilterValue Equal(const FilterValue& left, const FilterValue& right) {
  if (IsUndecided(left)) return left;
  if (IsUndecided(right)) return right;
  if (left.type == Type::kNull) return right.type == Type::kNull ? Of(true) : Of(Type::kNull);
  if (right.type == Type::kNull) return Of(false);
  const Compared compared = Compare(left, right);
  return compared.instead == Type::kBoolean ? Of(compared.order == 0) : Of(compared.instead);
}

FilterValue Order(FilterOrder by, const FilterValue& left, const FilterValue& right) {
  if (IsUndecided(left) || left.type == Type::kNull) return left;
  if (IsUndecided(right) || right.type == Type::kNull) return right;
  const Compared compared = CompareByOrder(left, right);
  if (compared.instead != Type::kBoolean) return Of(compared.instead);
  switch (by) {
    case FilterOrder::kGreater:
      return Of(compared.order > 0);
    case FilterOrder::kGreaterOrEqual:
      return Of(compared.order >= 0);
    case FilterOrder::kLess:
      return Of(compared.order < 0);
    case FilterOrder::kLessOrEqual:
      return Of(compared.order <= 0);
  }
  return Of(Type::kUnsure);
}

FilterValue Not(const FilterValue& outcome) {
  return outcome.type == Type::kBoolean ? Of(!outcome.boolean) : outcome;
}

// Java ends at the left outcome when that decides, and when it throws.
FilterValue Join(bool decisive, const FilterValue& left, const FilterValue& right) {
  if (IsUndecided(left) || (left.type == Type::kBoolean && left.boolean == decisive)) return left;
  if (right.type == Type::kBoolean && right.boolean != decisive) return left;
  return right;
}

FilterValue In(const FilterProgram& program, const FilterInstruction& it,
               const FilterValue& property) {
  if (property.type == Type::kNull) return property;
  const auto texts = std::span(program.literals()).subspan(it.b, it.c);
  const bool found = std::ranges::find(texts, property.text, &FilterValue::text) != texts.end();
  return Of(found != (it.a == 1));
}

FilterValue Search(const FilterProgram& program, const FilterInstruction& it,
                   const FilterValue& value) {
  if (IsUndecided(value)) return value;
  const std::string_view wanted = program.literals()[it.b].text;
  if (value.type != Type::kText || wanted.empty()) return Of(false);
  bool found = false;
  if (it.operation == FilterOperation::kContains) {
    found = value.text.find(wanted) != std::string_view::npos;
  } else if (it.operation == FilterOperation::kStartsWith) {
    found = value.text.starts_with(wanted);
  } else {
    found = value.text.ends_with(wanted);
  }
  return Of(found != (it.a == 1));
}

// One evaluation. The program was checked: what an instruction takes is there.
class Machine {
 public:
  Machine(const FilterProgram& program, std::string_view stored) : program_(program) {
    while (!stored.empty()) {
      const size_t end = std::min(stored.find(kPropertySeparator), stored.size());
      Note(stored.substr(0, end));
      stored.remove_prefix(std::min(end + 1, stored.size()));
    }
  }

  FilterValue Run() {
    for (const FilterInstruction& instruction : program_.instructions()) Step(instruction);
    return stack_[0];
  }

 private:
  // An entry without a name or a value is none.
  void Note(std::string_view entry) {
    const size_t name_end = entry.find(kNameValueSeparator);
    if (name_end == std::string_view::npos || name_end + 1 == entry.size()) return;
    const auto& names = program_.properties();
    for (size_t slot = 0; slot < names.size(); ++slot)
      if (names[slot] == entry.substr(0, name_end)) values_[slot] = entry.substr(name_end + 1);
  }

  void Push(const FilterValue& value) { stack_[depth_++] = value; }
  FilterValue& Top() { return stack_[depth_ - 1]; }

  void Step(const FilterInstruction& it) {
    switch (it.operation) {
      case FilterOperation::kProperty:
        // A value has at least one byte.
        if (values_[it.b].empty()) return Push(Of(Type::kNull));
        return Push({.type = Type::kText, .text = values_[it.b]});
      case FilterOperation::kLiteral:
        return Push(program_.literals()[it.b]);
      case FilterOperation::kNull:
        return Push(Of(Type::kNull));
      case FilterOperation::kBoolean:
        return Push(Of(it.a == 1));
      case FilterOperation::kEqual:
      case FilterOperation::kOrder:
      case FilterOperation::kAnd:
      case FilterOperation::kOr:
        --depth_;
        Top() = Two(it, Top(), stack_[depth_]);
        return;
      case FilterOperation::kNot:
        Top() = Not(Top());
        return;
      case FilterOperation::kNegated:
        if (!IsUndecided(Top())) Top() = Of(Type::kNull);
        return;
      case FilterOperation::kIn:
        Top() = In(program_, it, Top());
        return;
      case FilterOperation::kIsTrue:
        if (Top().type != Type::kNull) Top() = Of(false);
        return;
      case FilterOperation::kContains:
      case FilterOperation::kStartsWith:
      case FilterOperation::kEndsWith:
        Top() = Search(program_, it, Top());
        return;
    }
  }

  static FilterValue Two(const FilterInstruction& it, const FilterValue& left,
                         const FilterValue& right) {
    if (it.operation == FilterOperation::kEqual) return Equal(left, right);
    if (it.operation == FilterOperation::kOrder)
      return Order(static_cast<FilterOrder>(it.a), left, right);
    return Join(it.operation == FilterOperation::kOr, left, right);
  }

  const FilterProgram& program_;
  std::array<std::string_view, kMaxFilterProperties> values_;
  std::array<FilterValue, kMaxFilterStack> stack_;
  size_t depth_ = 0;
};

}  // namespace

FilterVerdict EvaluateFilter(const FilterProgram& program, std::span<const uint8_t> properties) {
  const std::string_view stored(reinterpret_cast<const char*>(properties.data()),
                                properties.size());
  const FilterValue outcome = Machine(program, stored).Run();
  if (outcome.type == Type::kUnsure) return FilterVerdict::kUnsure;
  return outcome.type == Type::kBoolean && outcome.boolean ? FilterVerdict::kYes
                                                           : FilterVerdict::kNo;
}

}  // namespace apogee
