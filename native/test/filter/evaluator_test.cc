#include "filter/evaluator.h"

#include <gtest/gtest.h>

#include <limits>

#include "filter/number_text.h"
#include "test/support/filter_bytes.h"

namespace apogee {
namespace {

using Op = FilterOperation;
using test::ProgramBytes;

FilterVerdict Evaluate(const ProgramBytes& bytes, std::string_view stored) {
  FilterProgram program;
  const Status parsed = FilterProgram::Parse(bytes.Build(), &program);
  EXPECT_TRUE(parsed.ok()) << parsed.ToString();
  return EvaluateFilter(program, {reinterpret_cast<const uint8_t*>(stored.data()), stored.size()});
}

// `a` against a literal.
ProgramBytes Comparison(ProgramBytes bytes, Op operation, FilterOrder by = FilterOrder::kGreater) {
  return bytes.Property("a")
      .Op(Op::kProperty)
      .Op(Op::kLiteral)
      .Op(operation, 0, static_cast<uint8_t>(by));
}

TEST(FilterEvaluatorTest, ATextBesideANumberIsReadAsItsType) {
  const ProgramBytes is_five = Comparison(ProgramBytes().Int(5), Op::kEqual);
  EXPECT_EQ(Evaluate(is_five,
                     "a\1"
                     "5"),
            FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(is_five,
                     "a\1"
                     "+05"),
            FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(is_five,
                     "a\1"
                     "5.0"),
            FilterVerdict::kNo);
  EXPECT_EQ(Evaluate(is_five,
                     "a\1"
                     "\xD9\xA5"),
            FilterVerdict::kUnsure);
  const ProgramBytes is_half = Comparison(ProgramBytes().Double(2.5), Op::kEqual);
  EXPECT_EQ(Evaluate(is_half, "a\1 2.50 "), FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(is_half,
                     "a\1"
                     "25e-1"),
            FilterVerdict::kUnsure);
  EXPECT_EQ(Evaluate(is_half, "a\1much"), FilterVerdict::kNo);
  const ProgramBytes above = Comparison(ProgramBytes().Long(INT64_MAX - 1), Op::kOrder);
  EXPECT_EQ(Evaluate(above,
                     "a\1"
                     "9223372036854775807"),
            FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(above,
                     "a\1"
                     "9223372036854775808"),
            FilterVerdict::kNo);
}

TEST(FilterEvaluatorTest, TheLastOfEqualNamesCountsAndAnEntryWithoutValueIsNone) {
  const ProgramBytes is_x = Comparison(ProgramBytes().Text("x"), Op::kEqual);
  EXPECT_EQ(Evaluate(is_x, "a\1y\2a\1x"), FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(is_x, "a\1x\2a\1\2a"), FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(is_x, "aa\1x\2\1x"), FilterVerdict::kNo);
  EXPECT_EQ(Evaluate(is_x, ""), FilterVerdict::kNo);
}

TEST(FilterEvaluatorTest, NullAndErrorsAreNoAlsoNegated) {
  ProgramBytes not_above = Comparison(ProgramBytes().Int(5), Op::kOrder);
  not_above.Op(Op::kNot);
  EXPECT_EQ(Evaluate(not_above,
                     "a\1"
                     "4"),
            FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(not_above,
                     "b\1"
                     "4"),
            FilterVerdict::kNo);
  EXPECT_EQ(Evaluate(not_above, "a\1four"), FilterVerdict::kNo);
}

TEST(FilterEvaluatorTest, AnOutcomeThatDecidesHidesAFailureBehindItOnly) {
  const auto joined = [](bool failure_first) {
    ProgramBytes bytes;
    bytes.Property("a").Int(5);
    const auto fails = [&] { bytes.Op(Op::kProperty).Op(Op::kLiteral).Op(Op::kEqual); };
    if (failure_first) fails();
    bytes.Op(Op::kBoolean, 0, 1);
    if (!failure_first) fails();
    return bytes.Op(Op::kOr);
  };
  EXPECT_EQ(Evaluate(joined(false), "a\1x"), FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(joined(true), "a\1x"), FilterVerdict::kNo);
}

TEST(FilterEvaluatorTest, TextsThatAreNoUtf8AreCompared) {
  ProgramBytes same;
  same.Property("a").Property("b").Op(Op::kProperty).Op(Op::kProperty, 1).Op(Op::kEqual);
  EXPECT_EQ(Evaluate(same, "a\1\xFF\2b\1\xFF"), FilterVerdict::kYes);
  EXPECT_EQ(Evaluate(same, "a\1\xFF\2b\1\xFE"), FilterVerdict::kUnsure);
  EXPECT_EQ(Evaluate(same, "a\1\xFF\2b\1x"), FilterVerdict::kNo);
}

TEST(NumberTextTest, DoublesAreReadAndComparedAsJavaDoes) {
  double value = 0;
  for (const std::string_view text : {".5", "0.5", " 0.50\t", "+.5"}) {
    EXPECT_EQ(ReadDouble(text, &value), NumberText::kNumber) << text;
    EXPECT_EQ(value, 0.5);
  }
  for (const std::string_view text : {"", " ", "-", ".", "x", "5 kg", "\xD9\xA5", "--5"})
    EXPECT_EQ(ReadDouble(text, &value), NumberText::kNone) << text;
  for (const std::string_view text : {"NaN", "-Infinity", "1e3", "0x1p3", "5f", "1234567890123456"})
    EXPECT_EQ(ReadDouble(text, &value), NumberText::kUnsure) << text;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_LT(CompareDoubles(-0.0, 0.0), 0);
  EXPECT_GT(CompareDoubles(nan, std::numeric_limits<double>::infinity()), 0);
  EXPECT_EQ(CompareDoubles(nan, nan), 0);
}

TEST(NumberTextTest, IntegersHaveTheBoundsOfTheirTypes) {
  int64_t value = 0;
  EXPECT_EQ(ReadInteger("-2147483648", INT32_MIN, INT32_MAX, &value), NumberText::kNumber);
  EXPECT_EQ(value, INT32_MIN);
  EXPECT_EQ(ReadInteger("2147483648", INT32_MIN, INT32_MAX, &value), NumberText::kNone);
  EXPECT_EQ(ReadInteger("-9223372036854775808", INT64_MIN, INT64_MAX, &value), NumberText::kNumber);
  EXPECT_EQ(value, INT64_MIN);
  EXPECT_EQ(ReadInteger("-9223372036854775809", INT64_MIN, INT64_MAX, &value), NumberText::kNone);
  EXPECT_EQ(ReadInteger("000000000000000000000000001", 0, 9, &value), NumberText::kNumber);
  for (const std::string_view text : {"", "-", "+", "1 ", "0x1"})
    EXPECT_EQ(ReadInteger(text, INT64_MIN, INT64_MAX, &value), NumberText::kNone) << text;
}

}  // namespace
}  // namespace apogee
